"""Models PostgreSQL in memory: the protocol's columns of `thoughts`, and one method for each statement.

The statements are Accept, Decide, Claim, Renew, Save, Retry, Fail and Replay. `clock` is the server's wall clock, which
may be stepped; nothing else reads it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from bridge.consumer.protocol import DecideRequest, Decision, Head, HeadVersion, RecordVerdict, VerdictKind
from bridge.records.types import Record

MAX_ATTEMPTS = 4


@dataclass
class Row:
    """A row of `thoughts`."""

    id: UUID
    user_id: UUID
    turn: int
    status: str = "pending"
    dispatch_id: int = 0
    steps_done: int = 0
    attempts: int = 0
    call_id: int | None = None
    beat: int = 0
    sends: int = 0
    losses: int = 0
    not_before: float | None = None

    @property
    def is_open(self) -> bool:
        return self.status in {"pending", "processing"}


class DatabaseModel:
    """Holds all rows, and counts the saves of each step."""

    def __init__(self, clock: Callable[[], float], steps: int = 5) -> None:
        self._clock = clock
        self.steps = steps
        self.rows: dict[UUID, Row] = {}
        self.last_turn: dict[UUID, int] = {}
        self.saves: Counter[tuple[UUID, int]] = Counter()
        self.locked: set[UUID] = set()
        self.takeovers: list[int] = []
        """The call ids that Decide took over, because their workers were presumed dead."""

    def accept(self, thought: UUID, user: UUID) -> int | None:
        """Return the thought's turn, or None when the user is unknown or the thought is another user's."""
        row = self.rows.get(thought)
        if row:
            return row.turn if row.user_id == user else None
        if user not in self.last_turn:
            return None
        self.last_turn[user] += 1
        self.rows[thought] = Row(thought, user, self.last_turn[user])
        return self.last_turn[user]

    def decide(self, requests: Sequence[DecideRequest]) -> list[Decision]:
        return [self._decide(request) for request in requests]

    def verdict(self, record: Record) -> VerdictKind:
        row = self.rows.get(record.thought_id)
        if row is None:
            return "unknown"
        if row.user_id != record.user_id:
            return "contradicts"
        return "open" if row.is_open and row.turn == record.turn else "done"

    def line(self, user: UUID) -> list[Row]:
        """Return the open rows of a user, in the order of their turns."""
        open_rows = (row for row in self.rows.values() if row.user_id == user and row.is_open)
        return sorted(open_rows, key=lambda row: row.turn)

    def _decide(self, request: DecideRequest) -> Decision:
        verdicts = tuple(RecordVerdict(record.offset, self.verdict(record)) for record in request.records)
        line = self.line(request.user_id) if any(verdict.kind == "open" for verdict in verdicts) else []
        if not line or line[0].id in self.locked:
            return Decision(request.user_id, verdicts, None)
        return Decision(request.user_id, verdicts, self._head(line[0], request))

    def _head(self, row: Row, request: DecideRequest) -> Head:
        is_pending = row.status == "pending"
        is_expired = request.expired_version == HeadVersion(row.id, row.dispatch_id, row.beat)
        needs_dispatch = request.may_begin if is_pending else is_expired
        if needs_dispatch:
            self._dispatch(row)
        return Head(
            thought_id=row.id,
            user_id=row.user_id,
            turn=row.turn,
            steps_done=row.steps_done,
            dispatch_id=row.dispatch_id,
            beat=row.beat,
            sends=row.sends,
            losses=row.losses,
            in_call=row.call_id is not None,
            wait=max(0.0, (row.not_before or 0.0) - self._clock()) if row.not_before is not None else 0.0,
            needs_dispatch=needs_dispatch,
            begins=is_pending and needs_dispatch,
            pending=is_pending and not needs_dispatch,
        )

    def _dispatch(self, row: Row) -> None:
        new_token = row.status == "pending" or row.call_id is not None
        if row.call_id is not None:
            self.takeovers.append(row.call_id)
            row.losses += 1
        row.sends = 1 if new_token else row.sends + 1
        row.dispatch_id += new_token
        row.status, row.call_id, row.beat = "processing", None, row.beat + 1

    def claim(self, thought: UUID, token: int, step: int, call: int) -> tuple[str, float]:
        """Return the worker's verdict, and for `early` the seconds until the retry may start."""
        row = self.rows[thought]
        if row.status != "processing" or row.dispatch_id != token or row.steps_done < step - 1:
            return "stale", 0.0
        if row.steps_done >= step:
            return "saved", 0.0
        if row.call_id not in (None, call):
            return "busy", 0.0
        if row.call_id is None:
            if row.attempts >= MAX_ATTEMPTS:
                return "exhausted", 0.0
            if row.not_before is not None and row.not_before > self._clock():
                return "early", row.not_before - self._clock()
            row.attempts += 1
        row.call_id, row.not_before, row.beat = call, None, row.beat + 1
        return "run", 0.0

    def renew(self, thought: UUID, call: int) -> bool:
        row = self.rows[thought]
        if row.call_id != call:
            return False
        row.beat += 1
        return True

    def save(self, thought: UUID, step: int, call: int) -> bool:
        row = self.rows[thought]
        if row.call_id != call:
            return False
        assert row.steps_done == step - 1
        self.saves[thought, step] += 1
        row.steps_done, row.call_id, row.attempts, row.sends, row.losses = step, None, 0, 1, 0
        row.not_before, row.beat = None, row.beat + 1
        if step == self.steps:
            row.status = "completed"
        return True

    def retry(self, thought: UUID, call: int, backoff: float) -> bool:
        row = self.rows[thought]
        if row.call_id != call:
            return False
        row.call_id, row.sends, row.not_before, row.beat = None, 1, self._clock() + backoff, row.beat + 1
        return True

    def fail(self, thought: UUID, token: int, step: int, call: int | None) -> bool:
        row = self.rows[thought]
        if row.status != "processing" or row.dispatch_id != token or row.steps_done != step - 1:
            return False
        if row.call_id != call or (call is None and row.attempts < MAX_ATTEMPTS):
            return False
        row.status, row.call_id, row.not_before, row.beat = "failed", None, None, row.beat + 1
        return True

    def replay(self, thought: UUID) -> int:
        """Put the thought at the end of its line, and return its new turn."""
        row = self.rows[thought]
        assert row.status == "failed"
        self.last_turn[row.user_id] += 1
        replayed = replace(row, status="pending", turn=self.last_turn[row.user_id], dispatch_id=row.dispatch_id + 1)
        replayed.attempts = replayed.losses = replayed.sends = 0
        replayed.beat += 1
        self.rows[thought] = replayed
        return replayed.turn


def act_as_worker(database: DatabaseModel, user: UUID, action: str, call: int) -> None:
    """Do what a worker does with the head of a user's line, if the row allows it. `complete` claims and saves."""
    line = database.line(user)
    if not line or line[0].status != "processing":
        return
    row = line[0]
    step = row.steps_done + 1
    if row.call_id is None and action in {"claim", "complete"}:
        verdict, _ = database.claim(row.id, row.dispatch_id, step, call)
        if verdict == "exhausted":
            database.fail(row.id, row.dispatch_id, step, None)
    if row.call_id is None:
        return
    if action == "renew":
        database.renew(row.id, row.call_id)
    elif action in {"save", "complete"}:
        database.save(row.id, step, row.call_id)
    elif action == "retry":
        database.retry(row.id, row.call_id, backoff=60.0 if row.attempts % 2 else 3.0)
    elif action == "fail":
        database.fail(row.id, row.dispatch_id, step, row.call_id)
