"""Which users' heads may begin: no more are in flight than the limit, and users wait for it in the order they came.
Under a backlog they also begin at a pace (`begin_pace.py`). Pure: no I/O, no clock."""

import sys
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from bridge.consumer.begin_pace import BeginPace
from bridge.consumer.line import Line, Phase
from bridge.consumer.protocol import Head

NO_LIMIT: Final = sys.maxsize

BACKLOG_LIMITS: Final = 2
"""How many times the limit must wait to be a backlog. Fewer begin at once: most of them would only end later."""


class BeginQueue:
    """The users of one lane whose heads are pending."""

    def __init__(self) -> None:
        self.limit = NO_LIMIT
        """How many thoughts of the lane may be in flight."""
        self.unread = 0
        """Records behind those that the lane has read."""
        self.pace = BeginPace()
        """How fast heads begin under a backlog."""
        self._users: dict[UUID, None] = {}
        self._begun: dict[UUID, tuple[UUID, float]] = {}
        """User -> the head that began here and has been in flight since, and when it began."""

    def note(self, user: UUID, line: Line, now: float) -> None:
        """Queue the user if its head is pending, otherwise take it out. A user that is queued keeps its place."""
        if line.head is None:
            return
        if line.head.pending:
            self._users.setdefault(user)
        else:
            self._users.pop(user, None)
        self._note_duration(user, line.head, now)

    def discard(self, user: UUID, now: float) -> None:
        """Forget the user, whose last thought has ended."""
        self._users.pop(user, None)
        self._note_duration(user, None, now)

    def users_that_may_begin(self, lines: Mapping[UUID, Line], now: float) -> set[UUID]:
        """Return the users whose next request may begin a head: queued users first, then new ones.

        A user whose thought is in flight, and who is asked about because it may have ended, may begin the next one in
        its place only when nobody else waits for it.
        """
        in_flight = sum(line.in_flight for line in lines.values())
        free = max(0, self.limit - in_flight)
        waiting = [user for user in self._users if lines[user].phase in {Phase.WAITING, Phase.DUE}]
        due = [(user, line) for user, line in lines.items() if user not in self._users and line.is_due(now)]
        new = [user for user, line in due if not line.in_flight]
        candidates = waiting + new
        if len(candidates) + self.unread >= BACKLOG_LIMITS * self.limit:
            return self._paced(candidates[:free], in_flight, now)
        begins = set(candidates[:free])
        if free >= len(waiting):
            begins |= {user for user, line in due if line.in_flight}
        return begins

    def _paced(self, candidates: list[UUID], in_flight: int, now: float) -> set[UUID]:
        """Return those who may begin under a backlog, at least one when nothing is in flight."""
        allowance = max(self.pace.allowance(self.limit, now), int(not in_flight))
        begins = set(candidates[:allowance])
        self.pace.spend(len(begins))
        return begins

    def _note_duration(self, user: UUID, head: Head | None, now: float) -> None:
        """Note how long the head that began here took, when it is the user's head no more. One that held no slot for a
        time, as for its retry, does not count. `head` may be the one of an earlier decision: it began only once."""
        begun = self._begun.get(user)
        is_same = begun is not None and head is not None and head.thought_id == begun[0]
        if begun is not None and not is_same:
            self.pace.note_duration(now - begun[1])
        if head is None or not head.is_in_flight:
            self._begun.pop(user, None)
        elif head.begins and not is_same:
            self._begun[user] = (head.thought_id, now)
