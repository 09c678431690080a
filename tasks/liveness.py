"""Whether a worker makes progress. Pure: what is seen is handed in, and so is the time.

Two things end a worker's progress without ending its process: Celery's loop stands still, or its consumer has lost
its queue, as those on Redis sometimes do after a lost connection. An empty queue, full slots, a broker or a PostgreSQL
that is away, and a process that was stopped for a while are none of that.
"""

from dataclasses import dataclass
from typing import Final

LOOK_SECONDS: Final = 2.0
"""Between two looks. More than twice of it between two looks was no silence: this process did not run."""

STILL_SECONDS: Final = 120.0
"""Four times the longest that the loop waits for a broker that hangs: its socket's time-out is 30 s."""


@dataclass(slots=True)
class Signs:
    """What a worker's threads count: messages received so far, and the steps in progress. `leaving`: none begins."""

    received: int = 0
    running: int = 0
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen at one moment. `turns` are those of Celery's loop so far; `waiting` counts the messages in the
    worker's queues, None where nobody knows; `connecting`: the loop is looking for its broker; `ending`: the worker
    was told to end."""

    turns: int
    received: int
    running: int
    waiting: int | None
    connecting: bool = False
    ending: bool = False


class Health:
    """Adds up silence, look by look.

    `slots` is how many steps the worker may run at once, `deaf_seconds` how long messages may wait beside free ones.
    """

    def __init__(self, slots: int, deaf_seconds: float, now: float) -> None:
        self._slots = slots
        self._deaf_seconds = deaf_seconds
        self._looked_at = now
        self._last: Look | None = None
        self._still = self._deaf = 0.0

    def trouble(self, look: Look, now: float) -> str:
        """Why this worker has to be replaced; "" while it is well."""
        passed = min(now - self._looked_at, 2 * LOOK_SECONDS)
        self._still = self._still + passed if self._stands_still(look) else 0.0
        self._deaf = self._deaf + passed if self._is_deaf(look) else 0.0
        self._looked_at, self._last = now, look
        if self._still >= STILL_SECONDS:
            return f"Celery's loop has stood still for {STILL_SECONDS:g} s"
        if self._deaf >= self._deaf_seconds:
            return f"messages wait, slots are free, and none was received for {self._deaf_seconds:g} s"
        return ""

    def _stands_still(self, look: Look) -> bool:
        if look.connecting or look.ending or self._last is None:
            return False
        return look.turns == self._last.turns

    def _is_deaf(self, look: Look) -> bool:
        if look.connecting or look.ending or self._last is None:
            return False
        free = look.running < self._slots
        return bool(look.waiting) and free and look.received == self._last.received
