"""Describes a worker to the other processes, while it accepts steps and its event loop runs."""

from collections.abc import Callable
from typing import Any

from contracts.presence import ProcessReport, process_id
from contracts.queues import SOLO_QUEUE


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
        """Return the report, or None when the event loop has not run since the last call or no step is accepted."""
        iterations, self._iterations = self._iterations, self._consumer.loop_iterations
        if iterations == self._iterations or self._is_shutting_down():
            return None
        is_solo = any(queue.name == SOLO_QUEUE for queue in self._consumer.task_consumer.queues)
        return ProcessReport("solo" if is_solo else "worker", self._id, slots=self._consumer.pool.limit)
