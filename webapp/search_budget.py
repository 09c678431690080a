"""Limits how often texts are searched by meaning, because a search keeps this web process from all other work.

Each user has a limit, and so has the process: a user who searches in a loop slows neither pages nor streams down.
"""

import time
from typing import Final
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_USER_BURST: Final = 20
PER_USER_SECONDS: Final = 20
"""A user may search PER_USER_BURST times in any so many seconds."""

PER_PROCESS_BURST: Final = 40
PER_PROCESS_SECONDS: Final = 10
"""A search takes up to 0.1 s, so searches take at most 40% of a process for long."""

_PER_USER: Final = RateLimitItemPerSecond(PER_USER_BURST, PER_USER_SECONDS)
_PER_PROCESS: Final = RateLimitItemPerSecond(PER_PROCESS_BURST, PER_PROCESS_SECONDS)


class SearchBudget:
    """Counts the searches of one process. Thread-safe."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def begin(self, user_id: UUID) -> float:
        """Count a search of the user and return 0, or return the seconds after which the user may search again."""
        limits: tuple[tuple[RateLimitItem, str], ...] = ((_PER_USER, str(user_id)), (_PER_PROCESS, "process"))
        waits = [self._wait(limit, name) for limit, name in limits]
        if not any(waits):
            for limit, name in limits:
                self._limiter.hit(limit, name)
        return max(waits)

    def _wait(self, limit: RateLimitItem, name: str) -> float:
        if self._limiter.test(limit, name):
            return 0.0
        return max(0.001, self._limiter.get_window_stats(limit, name).reset_time - time.time())
