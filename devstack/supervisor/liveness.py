"""How long a process has shown no life. Pure: what is seen is handed in, and so is the time.

The age of a heartbeat file alone would condemn every process of a machine that slept. Here only looks count: the
same sign at two of them was as much silence as lies between two looks, and no more.
"""

from dataclasses import dataclass
from typing import Final

LOOK_SECONDS: Final = 1.0

STARTING: Final = 5.0
"""Who has not yet shown any life is starting, and may be silent for so many times as long: its broker may be away."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What is seen of a process: who it is, and when its heartbeat file was touched, None for never."""

    pid: int
    touched: float | None


class Silence:
    """Adds up, look by look, for one name; another process of that name begins anew."""

    def __init__(self, bound: float, now: float) -> None:
        self._bound = bound
        self._looked_at = now
        self._last: Sign | None = None
        self._silent = 0.0

    def is_too_long(self, sign: Sign, now: float) -> bool:
        """Take in a look, and say whether this process has to be replaced."""
        passed = min(now - self._looked_at, 2 * LOOK_SECONDS)
        self._silent = self._silent + passed if sign == self._last else 0.0
        self._looked_at, self._last = now, sign
        return self._silent >= self._bound * (STARTING if sign.touched is None else 1.0)
