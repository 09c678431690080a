"""Decides whether a worker makes progress. Pure: the caller passes in the samples and the time.

A worker can stop making progress while its process runs: Celery's event loop stalls, or its consumer stops receiving
from its queue, as consumers on Redis sometimes do after a lost connection. These are not problems: an empty queue, no
free slots, an unavailable broker or PostgreSQL, and a process that was suspended for a while.
"""

from dataclasses import dataclass
from typing import Final

SAMPLE_SECONDS: Final = 2.0
"""The interval between two samples. A longer gap counts for at most two intervals, because the process did not run."""

STALL_TIMEOUT_SECONDS: Final = 120.0
"""How long the event loop may stall: four times the longest that it waits for a broker that does not answer (the socket
timeout, 30 s)."""


@dataclass(slots=True)
class WorkerCounters:
    """Counters that a worker's threads keep: messages received so far, and steps running now.

    `shutting_down` is set when the worker starts no further step.
    """

    received: int = 0
    running: int = 0
    shutting_down: bool = False


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """The state of a worker at one moment."""

    loop_iterations: int
    """Iterations of Celery's event loop so far."""
    received: int
    """Messages received so far."""
    running: int
    """Steps running now."""
    waiting: int | None
    """Messages in the worker's queues; None where they cannot be counted."""
    connecting: bool = False
    """The event loop is waiting for a broker connection."""
    shutting_down: bool = False
    """Celery received SIGTERM or another shutdown signal."""


class Liveness:
    """Measures, sample by sample, how long a worker has made no progress.

    `slots` is how many steps the worker can run at once. `idle_timeout` is how many seconds messages may wait while a
    slot is free and none is received.
    """

    def __init__(self, slots: int, idle_timeout: float, now: float) -> None:
        self._slots = slots
        self._idle_timeout = idle_timeout
        self._sampled_at = now
        self._last_sample: WorkerSample | None = None
        self._stalled_seconds = self._idle_seconds = 0.0

    def problem(self, sample: WorkerSample, now: float) -> str:
        """Return why the worker must be replaced, or "" while it is healthy."""
        elapsed = min(now - self._sampled_at, 2 * SAMPLE_SECONDS)
        self._stalled_seconds = self._stalled_seconds + elapsed if self._is_stalled(sample) else 0.0
        self._idle_seconds = self._idle_seconds + elapsed if self._is_idle_with_work(sample) else 0.0
        self._sampled_at, self._last_sample = now, sample
        if self._stalled_seconds >= STALL_TIMEOUT_SECONDS:
            return f"Celery's event loop has stalled for {STALL_TIMEOUT_SECONDS:g} s"
        if self._idle_seconds >= self._idle_timeout:
            return f"messages wait and slots are free, but none was received for {self._idle_timeout:g} s"
        return ""

    def _is_stalled(self, sample: WorkerSample) -> bool:
        if sample.connecting or sample.shutting_down or self._last_sample is None:
            return False
        return sample.loop_iterations == self._last_sample.loop_iterations

    def _is_idle_with_work(self, sample: WorkerSample) -> bool:
        if sample.connecting or sample.shutting_down or self._last_sample is None:
            return False
        has_free_slot = sample.running < self._slots
        return bool(sample.waiting) and has_free_slot and sample.received == self._last_sample.received
