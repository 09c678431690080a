"""The other side of the comparison: Celery alone. Five tasks that wait as long as the agents do and keep nothing.

`celery -A bench.bare worker` has the same pool, acknowledgement, prefetch and events as the project's own workers.
"""

import time

import redis
from celery import Celery
from kombu.entity import Queue

from contracts.queues import TOTAL_STEPS, broker_settings
from contracts.settings import load_settings_or_exit

QUEUE = "bare"
ENDED_KEY = "bare:ended"

settings = load_settings_or_exit()
app = Celery("bare")
app.conf.update(
    broker_settings(settings.broker_url),
    task_queues=[Queue(QUEUE, routing_key=QUEUE)],
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
