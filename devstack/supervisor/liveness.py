"""How long a process has shown no life. Pure: what is seen is handed in, and so is the time.

The age of a heartbeat file alone would condemn every process of a machine that slept. Here only looks count: the
same sign at two of them was as much silence as lies between two looks, and no more.
"""

from dataclasses import dataclass
from typing import Final

CHECK_INTERVAL_SECONDS: Final = 1.0

STARTUP_FACTOR: Final = 5.0
"""Who has not yet shown any life is starting, and may be silent for so many times as long: its broker may be away."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What is seen of a process: who it is, and when its heartbeat file was touched, None for never."""

    pid: int
    touched: float | None


class LivenessTimer:
    """Adds up, look by look, for one name; another process of that name begins anew."""

    def __init__(self, bound: float, now: float) -> None:
        self._timeout = bound
        self._looked_at = now
        self._last: Heartbeat | None = None
        self._silent = 0.0

    def is_expired(self, sign: Heartbeat, now: float) -> bool:
        """Take in a look, and say whether this process has to be replaced."""
        passed = min(now - self._looked_at, 2 * CHECK_INTERVAL_SECONDS)
        self._silent = self._silent + passed if sign == self._last else 0.0
        self._looked_at, self._last = now, sign
        return self._silent >= self._timeout * (STARTUP_FACTOR if sign.touched is None else 1.0)
