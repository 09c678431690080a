"""The Celery application: its settings, its five tasks, the nightly batch, and its signs of life."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from celery import Celery, Task, signals
from celery.schedules import ParseException, crontab
from kombu.entity import Queue

from agents.catalogue import CATALOGUE
from contracts.heartbeat import touch_heartbeat
from contracts.logs import LogFormat, configure_logging
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, broker_settings, task_name
from contracts.settings import Settings, SettingsError
from tasks.beat_scheduler import MAX_SLEEP_SECONDS, NightlyScheduler
from tasks.step import Advance, Drop, Failed, Requeue, StepOutcome
from tasks.step_store import Step
from tasks.worker import Worker, request_batch

log = logging.getLogger(__name__)

MAX_COUNTDOWN_SECONDS: Final = 60.0
"""Seconds; it counts against the broker's visibility time-out."""

NIGHTLY_BATCH: Final = "nightly-batch"
"""beat's one entry: no task of that name exists, and nothing is sent."""


class ThoughtFailedError(Exception):
    """Raised to show a final failure in Flower, after everything about it was written. It stops the chain."""


def create_app(settings: Settings) -> Celery:
    """A Celery application that has connected to nothing yet. Its tasks are its own: Celery would share them with
    every other application of the process, and these would then work with settings that are not theirs.

    Raises SettingsError for a wrong BATCH_SCHEDULE and agents.errors.ProviderRefused for a wrong AI_PROVIDER.
    """
    app = Celery("tasks")
    app.conf.update(broker_settings(settings.broker_url), **_worker_settings(settings))
    worker = Worker(settings)
    for number, name in enumerate(CATALOGUE.names, start=1):
        _register_step(app, worker, number, name)
    _connect_signals(worker, settings.log_format)
    return app


def _worker_settings(settings: Settings) -> dict[str, Any]:
    """Late acknowledgement and one message a free thread; what Redis loses all the same, silence brings back."""
    return {
        "broker_transport": _transport(settings.broker_url),
        "task_queues": [Queue(name, routing_key=name) for name in (THOUGHTS_QUEUE, SOLO_QUEUE)],
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": settings.worker_concurrency,
        "worker_pool": "threads",
        "worker_consumer": "tasks.celery_consumer:Consumer",
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,  # with messages that wait for a retry it ends at one, for good
        "broker_channel_error_retry": True,  # a Redis that refuses writes would end every worker
        "timezone": settings.timezone,
        "beat_schedule": _schedule(settings),
        "beat_scheduler": _scheduler(settings),
        "beat_max_loop_interval": MAX_SLEEP_SECONDS,
    }


def _transport(url: str) -> str | None:
    """None leaves the choice to the address: Sentinel and other brokers have transports of their own."""
    return "tasks.redis_transport:Transport" if url.startswith(("redis://", "rediss://")) else None


def _schedule(settings: Settings) -> dict[str, Any]:
    try:
        nightly = crontab.from_string(settings.batch_schedule)
    except (ParseException, ValueError) as wrong:
        raise SettingsError(f"BATCH_SCHEDULE: {wrong}") from wrong
    if settings.consumes_kafka:
        return {}
    return {NIGHTLY_BATCH: {"task": NIGHTLY_BATCH, "schedule": nightly}}


def _scheduler(settings: Settings) -> Callable[..., NightlyScheduler]:
    return partial(
        NightlyScheduler,
        request_batch=partial(request_batch, settings),
        show_life=partial(touch_heartbeat, settings.heartbeat_file),
    )


def _register_step(app: Celery, worker: Worker, number: int, agent_name: str) -> None:
    def step(task: Task, thought_id: str, token: int) -> None:
        try:
            outcome = worker.run(Step.parse(thought_id, token, number))
        except BaseException:  # the task boundary: what leaves a thread of the pool is never acknowledged
            log.exception("Step %s of thought %s was left; silence will bring it back", number, thought_id)
            outcome = Drop("fault")
        _apply(task, outcome)

    app.task(step, name=task_name(agent_name), bind=True, shared=False, max_retries=None, throws=(ThoughtFailedError,))


def _apply(task: Task, outcome: StepOutcome) -> None:
    """Translate an outcome into what Celery does with the message and the rest of its chain.

    A message that comes before its time is put back once more, so a long wait may be cut. One that is about nothing
    ends as a success without a next step: what raises Ignore would run for ever in Flower.
    """
    match outcome:
        case Advance():
            return
        case Requeue(seconds):
            raise task.retry(countdown=min(seconds, MAX_COUNTDOWN_SECONDS), max_retries=None)
        case Failed(kind):
            raise ThoughtFailedError(kind)
        case Drop():
            task.request.chain = None


def _check_queues(sender: Any, **_: Any) -> None:
    """Without `--queues` Celery takes from all of them, and what kills a worker would die among others again."""
    taken = set(sender.app.amqp.queues.consume_from)
    if SOLO_QUEUE in taken and (len(taken) > 1 or sender.concurrency != 1):
        raise SystemExit(
            f"Cannot start. A worker takes from one queue: --queues {THOUGHTS_QUEUE}, "
            f"or --queues {SOLO_QUEUE} --concurrency 1."
        )


def _connect_signals(worker: Worker, log_format: LogFormat) -> None:
    def ready(sender: Any, **_: Any) -> None:
        worker.start_watchdog(sender)

    def received(**_: Any) -> None:
        worker.counters.received += 1

    signals.setup_logging.connect(lambda **_: configure_logging(log_format), weak=False)
    signals.worker_init.connect(_check_queues, weak=False)
    signals.worker_ready.connect(ready, weak=False)
    signals.task_received.connect(received, weak=False)
