"""Limits how often texts are searched by meaning, because a search keeps this web process from all other work.

Each user has a budget, and so has the process: a user who searches in a loop slows neither pages nor streams down.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

PER_USER_SECONDS: Final = 1.0
PER_USER_BURST: Final = 20
PER_PROCESS_SECONDS: Final = 0.25
"""A search takes up to 0.1 s, so searches take at most 40% of a process for long."""
PER_PROCESS_BURST: Final = 40
MAX_USERS: Final = 1_000
"""Users whose searches are counted; those who searched last."""


@dataclass(slots=True)
class _Account:
    """Searches that may be made at once, at most `burst`; another one is added every `seconds`."""

    seconds: float
    burst: int
    left: float
    counted_at: float

    def wait(self, now: float) -> float:
        """Return the seconds until a search may be made; 0 when one may be made now."""
        self.left = min(self.burst, self.left + (now - self.counted_at) / self.seconds)
        self.counted_at = now
        return 0.0 if self.left >= 1 else (1 - self.left) * self.seconds


class SearchBudget:
    """Counts the searches of one process. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._process = _Account(PER_PROCESS_SECONDS, PER_PROCESS_BURST, PER_PROCESS_BURST, clock())
        self._users: OrderedDict[UUID, _Account] = OrderedDict()

    def begin(self, user_id: UUID) -> float:
        """Count a search of the user and return 0, or return the seconds after which the user may search again."""
        with self._lock:
            now = self._clock()
            accounts = (self._process, self._of_user(user_id, now))
            wait = max(account.wait(now) for account in accounts)
            if not wait:
                for account in accounts:
                    account.left -= 1
            return wait

    def _of_user(self, user_id: UUID, now: float) -> _Account:
        account = self._users.setdefault(user_id, _Account(PER_USER_SECONDS, PER_USER_BURST, PER_USER_BURST, now))
        self._users.move_to_end(user_id)
        if len(self._users) > MAX_USERS:
            self._users.popitem(last=False)
        return account
