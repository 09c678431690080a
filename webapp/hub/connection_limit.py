"""Limits the open streams of this process, in total and for each user."""

import threading
from collections import Counter
from uuid import UUID


class ConnectionLimiter:
    """Counts open streams and rejects those above the limits."""

    def __init__(self, limit: int, limit_per_user: int) -> None:
        self.limit = limit
        """May be lowered before the first stream, to what the system allows."""
        self._limit_per_user = limit_per_user
        self._open: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    @property
    def open_connections(self) -> int:
        """The number of open streams."""
        return self._open.total()

    def try_acquire(self, user_id: UUID) -> bool:
        """Return whether the user may open another stream, and count it. The caller must `release` it when it ends."""
        with self._lock:
            is_free = self._open.total() < self.limit and self._open[user_id] < self._limit_per_user
            if is_free:
                self._open[user_id] += 1
            return is_free

    def release(self, user_id: UUID) -> None:
        """Stop counting a stream that `try_acquire` counted."""
        with self._lock:
            self._open[user_id] -= 1
            self._open += Counter()  # drops users without open streams
