"""The other side of the ratio: Celery alone. Five tasks that wait as long as the agents do and keep nothing.

Two applications, each with the pool, acknowledgement, prefetch and task events of the project's workers: `plain` is
Celery as it comes, `tuned` has the project's transport and consumer too. `celery -A bench.bare:plain worker` runs one.
"""

import time
from typing import Any

import redis
from celery import Celery
from kombu.entity import Queue

from agents.catalogue import CATALOGUE
from contracts.queues import broker_settings
from contracts.settings import load_settings_or_exit

settings = load_settings_or_exit()
counter = redis.Redis.from_url(settings.redis_url)


def queue(app: Celery) -> str:
    """Where the worker of this application looks."""
    return f"bare.{app.main}"


def held_queue(app: Celery) -> str:
    """Nobody reads it; its name is changed to `queue` when the clock starts."""
    return f"bare.{app.main}.held"


def ended_key(app: Celery) -> str:
    """In Redis, how many chains have ended."""
    return f"bare.{app.main}.ended"


def _application(name: str, **tuning: Any) -> Celery:
    app = Celery(name)
    app.conf.update(
        broker_settings(settings.broker_url),
        task_queues=[Queue(each, routing_key=each) for each in (queue(app), held_queue(app))],
        task_default_queue=queue(app),
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        **tuning,
    )

    def step(number: int) -> None:
        """One agent's place: the wait, and at the end of a chain one count."""
        time.sleep(settings.scripted_delay_ms / 1000)
        if number == CATALOGUE.total:
            counter.incr(ended_key(app))

    app.task(step, name="step", shared=False)
    return app


plain = _application("plain")
tuned = _application(
    "tuned", broker_transport="tasks.redis_transport:Transport", worker_consumer="tasks.celery_consumer:Consumer"
)
