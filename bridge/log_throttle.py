"""What is said about a trouble that lasts: when it begins, and then at most every half minute."""

import time
from collections.abc import Callable
from typing import Final

LOG_INTERVAL_SECONDS: Final = 30.0


class LogThrottle:
    """Remembers when each kind of thing was last said. For one thread; two may both find a thing due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Whether it may be said now, which then counts as said."""
        now = self._clock()
        due = now - self._logged_at.get(kind, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS
        if due:
            self._logged_at[kind] = now
        return due

    def clear(self, kind: str) -> bool:
        """Whether it was spoken of; it is forgotten, so that its next beginning is said at once."""
        return self._logged_at.pop(kind, None) is not None
