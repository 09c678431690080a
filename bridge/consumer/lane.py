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

from bridge.consumer.decide import Ask, Decision, Head, Record, Verdict, Watch
from bridge.consumer.offset_tracker import Offsets

RECORDS_A_QUESTION: Final = 16
"""Records of one user in one question; the rest waits for the next one."""

NO_HEAD_SECONDS: Final = 0.3
"""The head was locked by somebody: look again soon, never take it for an empty line."""

AWAY_SECONDS: Final = 0.5
"""PostgreSQL did not answer: ask again after this."""

LONGEST_DOUBLING: Final = 5
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
    def to_go_on(self) -> "Window":
        """The smaller one that a lane which was full must fit into again."""
        return Window(self.users * 4 // 5 + 1, self.records * 4 // 5 + 1, self.bytes * 4 // 5 + 1)


@dataclass(frozen=True, slots=True)
class Store:
    """A record that no thought is known for: Accept it, in the order of the log, then `Lane.stored`."""

    record: Record


@dataclass(frozen=True, slots=True)
class Bury:
    """A record that can never be a thought: make it a dead letter, then `Lane.buried`.

    `reason` is one of a few words to sort by, `message` says more where there is more to say.
    """

    record: Record
    reason: str
    message: str = ""


class Phase(Enum):
    """Where a user stands."""

    ASK = auto()
    ASKING = auto()
    SENDING = auto()
    WATCHING = auto()


@dataclass(slots=True)
class Line:
    """What a lane knows of one user's line."""

    records: dict[int, Record] = field(default_factory=dict)
    phase: Phase = Phase.ASK
    look_at: float = 0.0
    look_again: bool = False
    watch: Watch | None = None
    since: float = 0.0
    patience: float = 0.0
    head: Head | None = None

    def is_due(self, now: float) -> bool:
        """Whether PostgreSQL is to be asked about this user now."""
        return self.phase is Phase.ASK or (self.phase is Phase.WATCHING and now >= self.look_at)

    def wait_until(self, look_at: float, now: float) -> None:
        """Watch until `look_at`, or not at all when news came in the meantime."""
        self.phase = Phase.WATCHING
        self.look_at = now if self.look_again else look_at
        self.look_again = False


class Lane:
    """The state machine. `intake`, `tick` and `unsent` hand out what is to be done; the other methods are inputs."""

    def __init__(self, start: int, patience: float, window: Window | None = None) -> None:
        self._offsets = Offsets(start)
        self._patience = patience
        self._window = window or Window()
        self._lines: dict[UUID, Line] = {}
        self._intake: deque[Store | Bury] = deque()
        self._intake_at = 0.0

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
        return self._fits(self._window.to_go_on)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in flight."""
        return not self._offsets

    def read(self, record: Record) -> None:
        """A readable record, in the order of the log. Without a turn it is another producer's and is stored first."""
        self._offsets.read(record.offset, record.size)
        if record.turn is None:
            self._intake.append(Store(record))
        else:
            self._ring(record)

    def read_unreadable(self, record: Record, message: str) -> None:
        """A record that is no event."""
        self._offsets.read(record.offset, record.size)
        self._intake.append(Bury(record, "unreadable", message))

    def read_to(self, offset: int) -> None:
        """The log was read up to here: what no record came of, a transaction's mark, has nothing to be done."""
        self._offsets.skip(offset)

    def intake(self, now: float) -> Store | Bury | None:
        """The next record to be stored or buried, in the order of the log; the same again until it is answered."""
        return self._intake[0] if self._intake and now >= self._intake_at else None

    def stored(self, record: Record, turn: int) -> None:
        """Accept gave the turn (or found it)."""
        self._leave_intake(record)
        self._ring(replace(record, turn=turn))

    def not_storable(self, record: Record, reason: str) -> None:
        """Accept found that it can never be a thought: its user is unknown, or the thought is somebody else's."""
        self._leave_intake(record)
        self._intake.appendleft(Bury(record, reason))

    def buried(self, record: Record) -> None:
        """The dead letter is in the outbox: the offset is done."""
        self._leave_intake(record)
        self._offsets.close(record.offset)

    def intake_failed(self, now: float) -> None:
        """PostgreSQL is away: the intake waits a moment and keeps its order."""
        self._intake_at = now + AWAY_SECONDS

    def tick(self, now: float) -> list[Ask]:
        """The questions that are due. Each is answered by `decided` or `ask_failed`."""
        return [self._ask(user, line, now) for user, line in self._lines.items() if line.is_due(now)]

    def decided(self, decision: Decision, now: float) -> None:
        """PostgreSQL's answer about one user: a verdict for each record asked about, and the head of the line."""
        line = self._lines.get(decision.user_id)
        if line is None or line.phase is not Phase.ASKING:
            return
        in_order = sorted(decision.verdicts, key=lambda verdict: verdict.offset)
        still_open = [verdict for verdict in in_order if self._settle(line, verdict)]
        if not line.records:
            del self._lines[decision.user_id]
        elif not still_open:
            line.phase = Phase.ASK
        else:
            self._look(line, decision.head, now)

    def ask_failed(self, now: float) -> None:
        """PostgreSQL did not answer: what was seen before says nothing about silence now, so watches begin anew."""
        for line in self._lines.values():
            line.since = now
            if line.phase is Phase.ASKING:
                line.wait_until(now + AWAY_SECONDS, now)

    def unsent(self) -> list[Head]:
        """Dispatched heads whose chains are not yet known to be sent; a repeat carries the same ids."""
        return [line.head for line in self._lines.values() if line.phase is Phase.SENDING and line.head]

    def users(self) -> list[UUID]:
        """The users whose lines are held."""
        return list(self._lines)

    def sent(self, head: Head, now: float) -> None:
        """The chain is in the broker: silence counts from here."""
        line = self._lines.get(head.user_id)
        if line is not None and line.phase is Phase.SENDING:
            line.since = now
            line.wait_until(self._next_look(line, now), now)

    def hint(self, user: UUID, now: float) -> None:
        """News about a user: a reason to look, never a verdict."""
        line = self._lines.get(user)
        if line is None:
            return
        if line.phase is Phase.WATCHING:
            line.look_at = now
        else:
            line.look_again = True

    def _fits(self, window: Window) -> bool:
        return window.holds(len(self._lines), len(self._offsets), self._offsets.bytes)

    def _ring(self, record: Record) -> None:
        line = self._lines.setdefault(record.user_id, Line())
        line.records[record.offset] = record

    def _leave_intake(self, record: Record) -> None:
        if self._intake and self._intake[0].record.offset == record.offset:
            self._intake.popleft()

    def _ask(self, user: UUID, line: Line, now: float) -> Ask:
        line.phase, line.look_again = Phase.ASKING, False
        silent = line.watch is not None and now - line.since >= line.patience
        records = tuple(islice(line.records.values(), RECORDS_A_QUESTION))
        return Ask(user, records, line.watch if silent else None)

    def _settle(self, line: Line, verdict: Verdict) -> bool:
        """Close, store or bury what a verdict says; True when the record stays open."""
        record = line.records.get(verdict.offset)
        if record is None or verdict.word == "open":
            return record is not None
        del line.records[verdict.offset]
        if verdict.word == "done":
            self._offsets.close(record.offset)
        elif verdict.word == "unknown":
            self._intake.append(Store(record))
        else:
            self._intake.append(Bury(record, "contradicts"))
        return False

    def _look(self, line: Line, head: Head | None, now: float) -> None:
        if head is None:
            line.watch = None
            line.wait_until(now + NO_HEAD_SECONDS, now)
            return
        if line.watch != head.watch:
            line.watch, line.since, line.patience = head.watch, now, self._patience_for(head)
        line.head = head
        if head.dispatched:
            line.phase = Phase.SENDING
        else:
            line.wait_until(self._next_look(line, now), now)

    def _patience_for(self, head: Head) -> float:
        if head.in_call:
            return self._patience
        return head.wait + self._patience * 2.0 ** min(max(0, head.sends - 1), LONGEST_DOUBLING)

    def _next_look(self, line: Line, now: float) -> float:
        return min(now + self._patience / 4, line.since + line.patience)
