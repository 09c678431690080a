"""The other side of the ratio: Celery alone. Five tasks that wait as long as the agents do and keep nothing.

`celery -A bench.bare worker` has the pool, transport, acknowledgement, prefetch and events of the project's workers.
"""

import time

import redis
from celery import Celery
from kombu.entity import Queue

from contracts.queues import TOTAL_STEPS, broker_settings
from contracts.settings import load_settings_or_exit

QUEUE = "bare"
HELD_QUEUE = "bare.held"
"""Nobody reads it; its name is changed to QUEUE when the clock starts."""

ENDED_KEY = "bare:ended"

settings = load_settings_or_exit()
app = Celery("bare")
app.conf.update(
    broker_settings(settings.broker_url),
    broker_transport="tasks.transport:Transport",
    worker_consumer="tasks.consumer:Consumer",
    task_queues=[Queue(name, routing_key=name) for name in (QUEUE, HELD_QUEUE)],
    task_default_queue=QUEUE,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
    task_track_started=True,
)
counter = redis.Redis.from_url(settings.redis_url)


def step(number: int) -> None:
    """One agent's place: the wait, and at the end of a chain one count."""
    time.sleep(settings.scripted_delay_ms / 1000)
    if number == TOTAL_STEPS:
        counter.incr(ENDED_KEY)


bare_step = app.task(step, name="bare.step")
