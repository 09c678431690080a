"""Describes a worker to the other processes, while it accepts steps and its event loop runs."""

from collections.abc import Callable
from typing import Any, Final

from contracts.presence import ProcessKind, ProcessReport, process_id
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE

_KINDS: Final[dict[str, ProcessKind]] = {THOUGHTS_QUEUE: "worker", SOLO_QUEUE: "solo"}
"""Queue -> kind of the worker that consumes it."""


class WorkerReport:
    """Makes the reports of one worker.

    `consumer` is Celery's consumer, and `is_shutting_down` says whether the worker accepts no further steps, because it
    was stopped or its watchdog is about to replace it.
    """

    def __init__(self, consumer: Any, is_shutting_down: Callable[[], bool]) -> None:
        self._consumer = consumer
        self._is_shutting_down = is_shutting_down
        self._id = process_id()
        self._iterations = -1

    def __call__(self) -> ProcessReport | None:
        """Return the report, or None when the event loop has not run since the last call, or no step is accepted, or
        an operator has ended the consumption of the queue. A worker that Redis gives no message is blocked."""
        iterations, self._iterations = self._iterations, self._consumer.loop_iterations
        if iterations == self._iterations or self._is_shutting_down():
            return None
        consumer = self._consumer.task_consumer
        queues = {queue.name for queue in consumer.queues}
        kind = next((_KINDS[name] for name in _KINDS if name in queues), None)
        if kind is None:
            return None
        is_blocked = getattr(consumer.channel, "is_refused", False)
        return ProcessReport(kind, self._id, slots=self._consumer.pool.limit, is_blocked=is_blocked)
