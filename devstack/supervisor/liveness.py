"""Measures for how long a process has missed its heartbeats. Pure: heartbeats and times are arguments.

The age of a heartbeat file alone would condemn every process after the machine slept. The timer therefore adds up the
time between checks, and counts at most two check intervals from one check to the next.
"""

from dataclasses import dataclass
from typing import Final

CHECK_INTERVAL_SECONDS: Final = 1.0

STARTUP_FACTOR: Final = 5.0
"""Multiplies the timeout of a process without a first heartbeat: it is starting, and its broker may be unavailable."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One observation of a process: its pid, and when its heartbeat file was touched (None: never)."""

    pid: int
    touched: float | None


class LivenessTimer:
    """Adds up the time without a new heartbeat for one process name; another pid restarts the timer."""

    def __init__(self, timeout: float, now: float) -> None:
        self._timeout = timeout
        self._checked_at = now
        self._last: Heartbeat | None = None
        self._silent_seconds = 0.0

    def update(self, heartbeat: Heartbeat, now: float) -> bool:
        """Record an observation and return whether the process has to be replaced."""
        passed = min(now - self._checked_at, 2 * CHECK_INTERVAL_SECONDS)
        self._silent_seconds = self._silent_seconds + passed if heartbeat == self._last else 0.0
        self._checked_at, self._last = now, heartbeat
        return self._silent_seconds >= self._timeout * (STARTUP_FACTOR if heartbeat.touched is None else 1.0)
