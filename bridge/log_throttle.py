"""What is said about a trouble that lasts: when it begins, and then at most every half minute."""

import time
from collections.abc import Callable
from typing import Final

AGAIN_SECONDS: Final = 30.0


class Seldom:
    """Remembers when each kind of thing was last said. For one thread; two may both find a thing due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Whether it may be said now, which then counts as said."""
        now = self._clock()
        due = now - self._said.get(kind, -AGAIN_SECONDS) >= AGAIN_SECONDS
        if due:
            self._said[kind] = now
        return due

    def is_over(self, kind: str) -> bool:
        """Whether it was spoken of; it is forgotten, so that its next beginning is said at once."""
        return self._said.pop(kind, None) is not None
