"""Whether a worker makes progress. Pure: what is seen is handed in, and so is the time.

Two things end a worker's progress without ending its process: Celery's loop stands still, or its consumer has lost
its queue, as those on Redis sometimes do after a lost connection. An empty queue, full slots, a broker or a PostgreSQL
that is away, and a process that was stopped for a while are none of that.
"""

from dataclasses import dataclass
from typing import Final

SAMPLE_SECONDS: Final = 2.0
"""Between two looks. More than twice of it between two looks was no silence: this process did not run."""

STALL_TIMEOUT_SECONDS: Final = 120.0
"""Four times the longest that the loop waits for a broker that hangs: its socket's time-out is 30 s."""


@dataclass(slots=True)
class WorkerCounters:
    """What a worker's threads count: messages received so far, and the steps in progress. `leaving`: none begins."""

    received: int = 0
    running: int = 0
    shutting_down: bool = False


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """What is seen at one moment. `turns` are those of Celery's loop so far; `waiting` counts the messages in the
    worker's queues, None where nobody knows; `connecting`: the loop is looking for its broker; `ending`: the worker
    was told to end."""

    loop_iterations: int
    received: int
    running: int
    waiting: int | None
    connecting: bool = False
    shutting_down: bool = False


class Liveness:
    """Adds up silence, look by look.

    `slots` is how many steps the worker may run at once, `deaf_seconds` how long messages may wait beside free ones.
    """

    def __init__(self, slots: int, idle_timeout: float, now: float) -> None:
        self._slots = slots
        self._deaf_seconds = idle_timeout
        self._looked_at = now
        self._last: WorkerSample | None = None
        self._stalled = self._idle = 0.0

    def problem(self, look: WorkerSample, now: float) -> str:
        """Why this worker has to be replaced; "" while it is well."""
        passed = min(now - self._looked_at, 2 * SAMPLE_SECONDS)
        self._stalled = self._stalled + passed if self._is_stalled(look) else 0.0
        self._idle = self._idle + passed if self._is_idle_with_work(look) else 0.0
        self._looked_at, self._last = now, look
        if self._stalled >= STALL_TIMEOUT_SECONDS:
            return f"Celery's loop has stood still for {STALL_TIMEOUT_SECONDS:g} s"
        if self._idle >= self._deaf_seconds:
            return f"messages wait, slots are free, and none was received for {self._deaf_seconds:g} s"
        return ""

    def _is_stalled(self, look: WorkerSample) -> bool:
        if look.connecting or look.shutting_down or self._last is None:
            return False
        return look.loop_iterations == self._last.loop_iterations

    def _is_idle_with_work(self, look: WorkerSample) -> bool:
        if look.connecting or look.shutting_down or self._last is None:
            return False
        free = look.running < self._slots
        return bool(look.waiting) and free and look.received == self._last.received
