"""Limits a recurring log message to one every 30 s."""

import time
from typing import Final

LOG_INTERVAL_SECONDS: Final = 30.0


class LogThrottle:
    """Remembers when each kind of message was last logged. For one thread: of two threads both may be allowed."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def allow(self, kind: str) -> bool:
        """Return whether the message may be logged now; if so, it counts as logged."""
        now = time.monotonic()
        is_allowed = now - self._logged_at.get(kind, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS
        if is_allowed:
            self._logged_at[kind] = now
        return is_allowed

    def clear(self, kind: str) -> bool:
        """Forget the kind, so that its next message is allowed. Return whether one was logged since."""
        return self._logged_at.pop(kind, None) is not None
