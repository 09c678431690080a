"""Celery alone, the baseline of the ratio: five tasks that wait as long as the agents do and store nothing.

Two applications have the pool, acknowledgement, prefetch and task events of the project's workers: `plain` is Celery
without changes, and `tuned` also has the project's transport and consumer. `celery -A bench.bare:plain worker` runs
one of them.
"""

import time
from typing import Any, Final

import redis
from celery import Celery, chain
from kombu.entity import Queue

from agents.catalogue import CATALOGUE
from contracts.queues import broker_settings
from contracts.settings import load_settings_or_exit

TASK: Final = "step"

settings = load_settings_or_exit()
counter = redis.Redis.from_url(settings.redis_url)


def queue(app: Celery) -> str:
    """Return the queue that this application's worker consumes."""
    return f"bare.{app.main}"


def held_queue(app: Celery) -> str:
    """Return the queue that no worker consumes; it is renamed to `queue` when the clock starts."""
    return f"bare.{app.main}.held"


def ended_key(app: Celery) -> str:
    """Return the Redis key that counts the chains that have ended."""
    return f"bare.{app.main}.ended"


def _application(app_name: str, **tuning: Any) -> Celery:
    app = Celery(app_name)
    app.conf.update(
        broker_settings(settings.broker_url, settings.redis_prefix),
        task_queues=[Queue(name, routing_key=name) for name in (queue(app), held_queue(app))],
        task_default_queue=queue(app),
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        **tuning,
    )

    def step(_thought_id: str, number: int) -> None:
        """Wait as long as an agent does; the last step also counts the chain."""
        time.sleep(settings.scripted_delay_ms / 1000)
        if number == CATALOGUE.total:
            counter.incr(ended_key(app))

    app.task(step, name=TASK, shared=False)
    return app


def send_chain(app: Celery, thought_id: str) -> None:
    """Send a chain of all steps, the first one to the held queue. Its messages have the shape of the project's, because
    the project's consumer drops others."""
    step = app.tasks[TASK]
    later = (step.si(thought_id, number).set(queue=queue(app)) for number in range(2, CATALOGUE.total + 1))
    chain(step.si(thought_id, 1).set(queue=held_queue(app)), *later, app=app).apply_async()


plain = _application("plain")
tuned = _application(
    "tuned", broker_transport="tasks.redis_transport:Transport", worker_consumer="tasks.celery_consumer:Consumer"
)
