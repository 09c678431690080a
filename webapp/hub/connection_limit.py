"""How many streams are open in this process, and how many of one user."""

import threading
from collections import Counter
from uuid import UUID


class ConnectionLimiter:
    """Counts open streams and refuses those above the limits."""

    def __init__(self, limit: int, limit_per_user: int) -> None:
        self._limit = limit
        self._limit_a_user = limit_per_user
        self._taken: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    @property
    def open_connections(self) -> int:
        """Streams open now."""
        return self._taken.total()

    def try_acquire(self, user_id: UUID) -> bool:
        """Take a seat; False when none is free. Who took one gives it back."""
        with self._lock:
            free = self._taken.total() < self._limit and self._taken[user_id] < self._limit_a_user
            if free:
                self._taken[user_id] += 1
            return free

    def release(self, user_id: UUID) -> None:
        """Free a seat that was taken."""
        with self._lock:
            self._taken[user_id] -= 1
            self._taken += Counter()  # forgets the users who have none left
