"""The Celery application: its settings, one task per step, the nightly batch, and the hooks that count its work."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from celery import Celery, Task, signals
from kombu.entity import Queue

from agents.catalogue import CATALOGUE
from contracts.batch_schedule import BatchSchedule
from contracts.database_check import require_usable_database
from contracts.foreign_items import sender_of
from contracts.heartbeat import Heartbeat
from contracts.installation import check_or_exit
from contracts.logs import configure_logging
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, broker_settings, step_priority, task_name
from contracts.reporter import loop_reporter
from contracts.settings import Settings
from tasks.batches import request_batch
from tasks.beat_scheduler import MAX_SLEEP_SECONDS, NightlyScheduler
from tasks.broker.dropped import DroppedItems
from tasks.step_outcomes import Advance, Drop, Failed, Requeue, StepOutcome
from tasks.step_store import Step
from tasks.step_task import StepTask
from tasks.worker import Worker

log = logging.getLogger(__name__)

MAX_COUNTDOWN_SECONDS: Final = 60.0
"""The longest countdown of a requeued message: a countdown counts against the broker's visibility timeout."""

NIGHTLY_BATCH: Final = "nightly-batch"
"""The name of beat's only schedule entry. No task has this name, because beat sends no message for it."""


class ThoughtFailedError(Exception):
    """Raised to stop the chain of a failed thought and to show the failure in Flower; everything is written by then."""


def create_app(settings: Settings) -> Celery:
    """Return a Celery application that has not connected to anything yet.

    Its tasks are registered with this application alone (`shared=False`): Celery would otherwise register them with
    every application of the process, which would then run them with these settings.

    Raises agents.errors.ProviderConfigError for an invalid AI_PROVIDER.
    """
    app = Celery("tasks")
    app.conf.update(broker_settings(settings.broker_url, settings.redis_prefix), **_worker_settings(settings))
    app.conf.broker_transport_options |= {
        "on_dropped": DroppedItems(settings.redis_url, settings.redis_prefix).report,
        "known_queues": frozenset({THOUGHTS_QUEUE, SOLO_QUEUE}),
    }
    worker = Worker(settings)
    for number, name in enumerate(CATALOGUE.names, start=1):
        _register_step(app, worker, number, name)
    _connect_signals(worker, settings)
    return app


def _worker_settings(settings: Settings) -> dict[str, Any]:
    """Return the worker's settings: late acknowledgement, and one prefetched message per free thread.

    A message that Redis loses nevertheless is sent again by a bridge when the lease expires.
    """
    return {
        "broker_transport": _transport(settings.broker_url),
        "task_queues": [Queue(name, routing_key=name) for name in (THOUGHTS_QUEUE, SOLO_QUEUE)],
        "task_routes": _priorities(),
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "worker_concurrency": settings.worker_concurrency,
        "worker_pool": "threads",
        "worker_consumer": "tasks.celery_consumer:Consumer",
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_prefetch_count_reduction": False,  # with waiting retries it stays at one permanently
        "broker_channel_error_retry": True,  # otherwise a Redis that rejects writes would end every worker
        "timezone": settings.timezone,
        "beat_schedule": _schedule(settings),
        "beat_scheduler": _scheduler(settings),
        "beat_max_loop_interval": MAX_SLEEP_SECONDS,
    }


def _priorities() -> dict[str, dict[str, int]]:
    """Return the priority of each step's messages. A worker sends the next step of a chain by this table, because
    Celery replaces the priority in a chain's options by that of the parent, which it does not inherit."""
    return {
        task_name(name): {"priority": step_priority(step, CATALOGUE.total)}
        for step, name in enumerate(CATALOGUE.names, start=1)
    }


def _transport(url: str) -> str | None:
    """Return our transport for a single Redis, or None: Celery then chooses by the URL (AMQP)."""
    return "tasks.redis_transport:Transport" if url.startswith(("redis://", "rediss://")) else None


def _schedule(settings: Settings) -> dict[str, Any]:
    if settings.consumes_kafka:
        return {}
    return {NIGHTLY_BATCH: {"task": NIGHTLY_BATCH, "schedule": BatchSchedule.from_string(settings.batch_schedule)}}


def _scheduler(settings: Settings) -> Callable[..., NightlyScheduler]:
    heartbeat = Heartbeat(settings.heartbeat_file)
    return partial(
        NightlyScheduler,
        request_batch=partial(request_batch, settings),
        heartbeat=heartbeat.touch,
        reporter=loop_reporter(settings, "beat", heartbeat),
    )


def _register_step(app: Celery, worker: Worker, number: int, agent_name: str) -> None:
    def step(task: Task, thought_id: str, token: int) -> None:
        try:
            outcome = worker.run(Step.parse(thought_id, token, number), sender_of(task.request.headers))
        except BaseException:  # the task boundary: a message whose error leaves the pool's thread is never acknowledged
            log.exception(
                "A step was abandoned because of an unexpected error; it is sent again when its lease expires.",
                extra={"thought_id": thought_id, "step": number},
            )
            outcome = Drop("fault")
        _apply(task, outcome)

    name = task_name(agent_name)
    app.task(step, name=name, base=StepTask, bind=True, shared=False, max_retries=None, throws=(ThoughtFailedError,))


def _apply(task: Task, outcome: StepOutcome) -> None:
    """Translate an outcome into what Celery does with the message and with the rest of its chain.

    A countdown may be cut short, because a message that arrives before its retry is due is requeued again. A dropped
    message ends as a success without successors: a task that raises Ignore would stay "running" in Flower.
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
    """Refuse to start a worker that would run solo steps beside other steps, as Celery does without `--queues`.

    A step that has killed its worker would kill other steps with it again.
    """
    queues = set(sender.app.amqp.queues.consume_from)
    if SOLO_QUEUE in queues and (len(queues) > 1 or sender.concurrency != 1):
        raise SystemExit(
            f"Cannot start. A worker consumes one queue: pass --queues {THOUGHTS_QUEUE}, "
            f"or --queues {SOLO_QUEUE} --concurrency 1."
        )


def _connect_signals(worker: Worker, settings: Settings) -> None:
    def check_database(**_: Any) -> None:
        require_usable_database(settings.database_url)

    def check_installation(**_: Any) -> None:
        check_or_exit(worker.installation_watch)

    def start_watchdog(sender: Any, **_: Any) -> None:
        worker.start_watchdog(sender)
        worker.start_reporting(sender)
        worker.installation_watch.start()

    def stop_reporting(**_: Any) -> None:
        worker.stop_reporting()

    def count_received(**_: Any) -> None:
        worker.counters.received += 1

    signals.setup_logging.connect(lambda **_: configure_logging(settings.log_format), weak=False)
    signals.worker_init.connect(_check_queues, weak=False)
    signals.worker_init.connect(check_database, weak=False)
    signals.worker_init.connect(check_installation, weak=False)
    signals.beat_init.connect(check_database, weak=False)
    signals.worker_ready.connect(start_watchdog, weak=False)
    signals.task_received.connect(count_received, weak=False)
    signals.worker_shutting_down.connect(stop_reporting, weak=False)
    signals.worker_shutdown.connect(stop_reporting, weak=False)
