"""Limits a recurring log message to one every 30 s."""

import time
from collections.abc import Callable
from typing import Final

LOG_INTERVAL_SECONDS: Final = 30.0


class LogThrottle:
    """Remembers when each kind of message was last logged. For one thread: two threads may both find a kind due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Return whether the message may be logged now; if so, it counts as logged."""
        now = self._clock()
        due = now - self._logged_at.get(kind, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS
        if due:
            self._logged_at[kind] = now
        return due

    def clear(self, kind: str) -> bool:
        """Forget the kind, so that its next message is due at once; return whether one was logged since the last."""
        return self._logged_at.pop(kind, None) is not None
