"""The lane: one partition under one assignment. Pure: no I/O, no clock, no randomness; `now` is handed in, in seconds.

A record is a doorbell of its user's line. The lane decides when PostgreSQL is to be asked about which user, what the
answer means, and which offsets are done; who drives it does the asking and the sending.

    record --> ask --> asking --> sending --> watching --> ask ...        one state a user
                          |                       ^
                          +-------- live ---------+

Nothing but a verdict of Decide, or a burial, closes an offset. What comes of another assignment never reaches it: each
assignment has a lane of its own.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import islice
from typing import Final
from uuid import UUID

from bridge.consumer.offset_tracker import OffsetTracker
from bridge.consumer.protocol import (
    AcceptRecord,
    DeadLetterRecord,
    DecideRequest,
    Decision,
    Head,
    HeadVersion,
    RecordVerdict,
)
from bridge.records.types import Record

RECORDS_PER_REQUEST: Final = 16
"""Records of one user in one question; the rest waits for the next one."""

LOCKED_HEAD_RETRY_SECONDS: Final = 0.3
"""The head was locked by somebody: look again soon, never take it for an empty line."""

DATABASE_RETRY_SECONDS: Final = 0.5
"""PostgreSQL did not answer: ask again after this."""

MAX_LEASE_DOUBLINGS: Final = 5
"""Patience for a message in a queue doubles with every sending, at most so often: 20 s becomes 640 s."""


@dataclass(frozen=True, slots=True)
class Window:
    """How much a lane holds. Users bound the parallel work, records and their bytes the memory of a user's backlog."""

    users: int = 200
    records: int = 20_000
    bytes: int = 32 * 1024 * 1024

    def holds(self, users: int, records: int, held: int) -> bool:
        """Whether so much fits into it, and more."""
        return users < self.users and records < self.records and held < self.bytes

    @property
    def resume_limit(self) -> "Window":
        """The smaller one that a lane which was full must fit into again."""
        return Window(self.users * 4 // 5 + 1, self.records * 4 // 5 + 1, self.bytes * 4 // 5 + 1)


class Phase(Enum):
    """Where a user stands."""

    DUE = auto()
    DECIDING = auto()
    DISPATCHING = auto()
    WATCHING = auto()


@dataclass(slots=True)
class Line:
    """What a lane knows of one user's line."""

    records: dict[int, Record] = field(default_factory=dict)
    phase: Phase = Phase.DUE
    poll_at: float = 0.0
    poll_again: bool = False
    version: HeadVersion | None = None
    unchanged_since: float = 0.0
    lease_seconds: float = 0.0
    head: Head | None = None

    def is_due(self, now: float) -> bool:
        """Whether PostgreSQL is to be asked about this user now."""
        return self.phase is Phase.DUE or (self.phase is Phase.WATCHING and now >= self.poll_at)

    def watch_until(self, look_at: float, now: float) -> None:
        """Watch until `look_at`, or not at all when news came in the meantime."""
        self.phase = Phase.WATCHING
        self.poll_at = now if self.poll_again else look_at
        self.poll_again = False


class Lane:
    """The state machine. `intake`, `tick` and `unsent` hand out what is to be done; the other methods are inputs."""

    def __init__(self, start: int, patience: float, window: Window | None = None) -> None:
        self._offsets = OffsetTracker(start)
        self._lease_seconds = patience
        self._window = window or Window()
        self._lines: dict[UUID, Line] = {}
        self._ingest_queue: deque[AcceptRecord | DeadLetterRecord] = deque()
        self._ingest_at = 0.0

    @property
    def frontier(self) -> int:
        """The offset that may be committed: everything below it is done."""
        return self._offsets.frontier

    @property
    def next(self) -> int:
        """The offset from which on nothing was read yet."""
        return self._offsets.next

    @property
    def is_full(self) -> bool:
        """Whether the partition is to be paused."""
        return not self._fits(self._window)

    @property
    def has_room(self) -> bool:
        """Whether a paused partition may go on: a fifth of the window is free again."""
        return self._fits(self._window.resume_limit)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._offsets

    def add_record(self, record: Record) -> None:
        """A readable record, in the order of the log. Without a turn it is another producer's and is stored first."""
        self._offsets.open(record.offset, record.size)
        if record.turn is None:
            self._ingest_queue.append(AcceptRecord(record))
        else:
            self._add_to_line(record)

    def add_invalid(self, record: Record, message: str) -> None:
        """A record that is no event."""
        self._offsets.open(record.offset, record.size)
        self._ingest_queue.append(DeadLetterRecord(record, "unreadable", message))

    def advance_to(self, offset: int) -> None:
        """The log was read up to here: what no record came of, a transaction's mark, has nothing to be done."""
        self._offsets.advance_to(offset)

    def next_ingest(self, now: float) -> AcceptRecord | DeadLetterRecord | None:
        """The next record to be stored or buried, in the order of the log; the same again until it is answered."""
        return self._ingest_queue[0] if self._ingest_queue and now >= self._ingest_at else None

    def accepted(self, record: Record, turn: int) -> None:
        """Accept gave the turn (or found it)."""
        self._finish_ingest(record)
        self._add_to_line(replace(record, turn=turn))

    def not_acceptable(self, record: Record, reason: str) -> None:
        """Accept found that it can never be a thought: its user is unknown, or the thought is somebody else's."""
        self._finish_ingest(record)
        self._ingest_queue.appendleft(DeadLetterRecord(record, reason))

    def dead_lettered(self, record: Record) -> None:
        """The dead letter is in the outbox: the offset is done."""
        self._finish_ingest(record)
        self._offsets.close(record.offset)

    def ingest_failed(self, now: float) -> None:
        """PostgreSQL is unavailable: the intake waits a moment and keeps its order."""
        self._ingest_at = now + DATABASE_RETRY_SECONDS

    def due_requests(self, now: float) -> list[DecideRequest]:
        """The questions that are due. Each is answered by `decided` or `ask_failed`."""
        return [self._request(user, line, now) for user, line in self._lines.items() if line.is_due(now)]

    def decided(self, decision: Decision, now: float) -> None:
        """PostgreSQL's answer about one user: a verdict for each record asked about, and the head of the line."""
        line = self._lines.get(decision.user_id)
        if line is None or line.phase is not Phase.DECIDING:
            return
        in_order = sorted(decision.verdicts, key=lambda verdict: verdict.offset)
        still_open = [verdict for verdict in in_order if self._apply_verdict(line, verdict)]
        if not line.records:
            del self._lines[decision.user_id]
        elif not still_open:
            line.phase = Phase.DUE
        else:
            self._watch_head(line, decision.head, now)

    def decide_failed(self, now: float) -> None:
        """PostgreSQL did not answer: what was seen before says nothing about silence now, so watches begin anew."""
        for line in self._lines.values():
            line.unchanged_since = now
            if line.phase is Phase.DECIDING:
                line.watch_until(now + DATABASE_RETRY_SECONDS, now)

    def heads_to_dispatch(self) -> list[Head]:
        """Dispatched heads whose chains are not yet known to be sent; a repeat carries the same ids."""
        return [line.head for line in self._lines.values() if line.phase is Phase.DISPATCHING and line.head]

    def users(self) -> list[UUID]:
        """The users whose lines are held."""
        return list(self._lines)

    def dispatched(self, head: Head, now: float) -> None:
        """The chain is in the broker: silence counts from here."""
        line = self._lines.get(head.user_id)
        if line is not None and line.phase is Phase.DISPATCHING:
            line.unchanged_since = now
            line.watch_until(self._next_poll(line, now), now)

    def wake(self, user: UUID, now: float) -> None:
        """News about a user: a reason to look, never a verdict."""
        line = self._lines.get(user)
        if line is None:
            return
        if line.phase is Phase.WATCHING:
            line.poll_at = now
        else:
            line.poll_again = True

    def _fits(self, window: Window) -> bool:
        return window.holds(len(self._lines), len(self._offsets), self._offsets.bytes)

    def _add_to_line(self, record: Record) -> None:
        line = self._lines.setdefault(record.user_id, Line())
        line.records[record.offset] = record

    def _finish_ingest(self, record: Record) -> None:
        if self._ingest_queue and self._ingest_queue[0].record.offset == record.offset:
            self._ingest_queue.popleft()

    def _request(self, user: UUID, line: Line, now: float) -> DecideRequest:
        line.phase, line.poll_again = Phase.DECIDING, False
        silent = line.version is not None and now - line.unchanged_since >= line.lease_seconds
        records = tuple(islice(line.records.values(), RECORDS_PER_REQUEST))
        return DecideRequest(user, records, line.version if silent else None)

    def _apply_verdict(self, line: Line, verdict: RecordVerdict) -> bool:
        """Close, store or bury what a verdict says; True when the record stays open."""
        record = line.records.get(verdict.offset)
        if record is None or verdict.kind == "open":
            return record is not None
        del line.records[verdict.offset]
        if verdict.kind == "done":
            self._offsets.close(record.offset)
        elif verdict.kind == "unknown":
            self._ingest_queue.append(AcceptRecord(record))
        else:
            self._ingest_queue.append(DeadLetterRecord(record, "contradicts"))
        return False

    def _watch_head(self, line: Line, head: Head | None, now: float) -> None:
        if head is None:
            line.version = None
            line.watch_until(now + LOCKED_HEAD_RETRY_SECONDS, now)
            return
        if line.version != head.version:
            line.version, line.unchanged_since, line.lease_seconds = head.version, now, self._lease_for(head)
        line.head = head
        if head.dispatched:
            line.phase = Phase.DISPATCHING
        else:
            line.watch_until(self._next_poll(line, now), now)

    def _lease_for(self, head: Head) -> float:
        if head.in_call:
            return self._lease_seconds
        return head.wait + self._lease_seconds * 2.0 ** min(max(0, head.sends - 1), MAX_LEASE_DOUBLINGS)

    def _next_poll(self, line: Line, now: float) -> float:
        return min(now + self._lease_seconds / 4, line.unchanged_since + line.lease_seconds)
