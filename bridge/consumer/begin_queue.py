"""Which users' heads may begin: no more are in flight than the limit, and users wait for it in the order they came.
Pure: no I/O, no clock."""

import sys
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from bridge.consumer.line import Line, Phase

NO_LIMIT: Final = sys.maxsize


class BeginQueue:
    """The users of one lane whose heads are pending."""

    def __init__(self) -> None:
        self.limit = NO_LIMIT
        """How many thoughts of the lane may be in flight."""
        self._users: dict[UUID, None] = {}

    def note(self, user: UUID, line: Line) -> None:
        """Queue the user if its head is pending, otherwise take it out. A user that is queued keeps its place."""
        if line.head is not None and line.head.pending:
            self._users.setdefault(user)
        else:
            self.discard(user)

    def discard(self, user: UUID) -> None:
        """Take the user out of the queue."""
        self._users.pop(user, None)

    def users_that_may_begin(self, lines: Mapping[UUID, Line], now: float) -> set[UUID]:
        """Return the users whose next request may begin a head: queued users first, then new ones.

        A user whose thought is in flight, and who is asked about because it may have ended, may begin the next one in
        its place only when nobody else waits for it.
        """
        free = self.limit - sum(line.in_flight for line in lines.values())
        waiting = [user for user in self._users if lines[user].phase in {Phase.WAITING, Phase.DUE}]
        due = [(user, line) for user, line in lines.items() if user not in self._users and line.is_due(now)]
        new = [user for user, line in due if not line.in_flight]
        begins = {*(waiting + new)[: max(0, free)]}
        if free >= len(waiting):
            begins |= {user for user, line in due if line.in_flight}
        return begins
