"""The lane: the state machine of one partition under one assignment. Pure: no I/O, no clock, no randomness.

A record is only a hint that its user's line has work. The lane decides when PostgreSQL is asked about which user, what
the answer means, and which offsets are done. Its drivers (`loop.Bridge` and `ingest.Ingestion`) ask, send and store,
and report the outcome. `now` is an argument everywhere: seconds of the driver's monotonic clock.

Each user whose records the lane holds has a `Line`, which is in one of five phases:

    phase        input                                      next phase
    -----------  ---------------------------------------    -----------------------
    (no line)    add_record, accepted                       DUE
    DUE          due_requests                               DECIDING
    DECIDING     decided: the head must be dispatched       DISPATCHING
    DECIDING     decided: the head is in work, or locked    WATCHING
    DECIDING     decided: the head must not begin yet       WAITING
    DECIDING     decided: records are left, none is open    DUE
    DECIDING     decided: no record is left                 (the line is forgotten)
    DECIDING     decide_failed                              WATCHING, polled again soon
    DISPATCHING  dispatched                                 WATCHING
    WATCHING     due_requests at `poll_at`                  DECIDING
    WAITING      due_requests with a free slot              DECIDING
    WAITING      wake                                       DUE

The rules:

- Only the head of a line is worked on. Decide chooses it by turn, so the order of records in the log does not matter.
- No more heads begin than the driver's limit of thoughts in flight allows. Users wait for it in a queue, and a user
  whose head has ended queues again at its end when others wait. Under a backlog free slots are filled at an even pace.
- At most one request per user is in progress. A wake-up that arrives meanwhile causes one more poll right after it.
- Only two things close an offset: the verdict `done`, and a dead letter in the outbox. The frontier, which is what may
  be committed, is the lowest open offset.
- A head has a lease. The lane polls it every quarter of LEASE_SECONDS; when its version has not changed for the whole
  lease, the next request carries that version and Decide may take the head over.
- While PostgreSQL does not answer, workers cannot renew their leases either, so every lease starts again.
- A record that has no thought yet waits in the ingest queue, in the order of the log, until it is accepted or
  dead-lettered.
- Each assignment has its own lane, so no answer for an earlier assignment can change it.
"""

from collections import deque
from dataclasses import replace
from itertools import islice
from typing import Final
from uuid import UUID

from bridge.consumer.begin_queue import BeginQueue
from bridge.consumer.lease import lease_for
from bridge.consumer.line import Line, Phase
from bridge.consumer.offset_tracker import OffsetTracker
from bridge.consumer.protocol import (
    AcceptRecord,
    DeadLetterRecord,
    DecideRequest,
    Decision,
    Head,
    RecordVerdict,
)
from bridge.consumer.window import Window
from bridge.records.types import Record

RECORDS_PER_REQUEST: Final = 16
"""Records of one user in one request; the other ones go into the next request."""

LOCKED_HEAD_RETRY_SECONDS: Final = 0.3
"""Delay before the next poll when a decision has no head: another transaction has locked it or has just changed it. A
decision without a head never means that the line is empty."""

DATABASE_RETRY_SECONDS: Final = 0.5
"""Delay before a request that PostgreSQL did not answer is repeated."""


class Lane:
    """Tracks the records of one partition from the log to a closed offset.

    Three methods return work for the driver, which reports each outcome to another method:

    - `next_ingest`, to `accepted`, `not_acceptable`, `dead_lettered` or `ingest_failed`;
    - `due_requests`, to `decided` or `decide_failed`;
    - `heads_to_dispatch`, to `dispatched`; a head is returned again until its chain is known to be sent.
    """

    def __init__(self, start: int, lease_seconds: float, window: Window | None = None) -> None:
        self._offsets = OffsetTracker(start)
        self._lease_seconds = lease_seconds
        self._window = self._least_window = window or Window()
        self._lines: dict[UUID, Line] = {}
        self._begin_queue = BeginQueue()
        self._ingest_queue: deque[AcceptRecord | DeadLetterRecord] = deque()
        self._ingest_at = 0.0

    @property
    def frontier(self) -> int:
        """The offset to commit: everything below it is done."""
        return self._offsets.frontier

    @property
    def next_offset(self) -> int:
        """The next offset to read."""
        return self._offsets.next

    @property
    def is_full(self) -> bool:
        """Whether the partition must be paused."""
        return not self._allows_more(self._window)

    @property
    def has_room(self) -> bool:
        """Whether a paused partition may be resumed: at least a fifth of the window is free."""
        return self._allows_more(self._window.resume_limit)

    @property
    def is_idle(self) -> bool:
        """Whether no offset is open."""
        return not self._offsets

    def add_record(self, record: Record) -> None:
        """Add a readable record, in the order of the log. A record without a turn is an external producer's, and is
        accepted first."""
        self._offsets.open(record.offset, record.size)
        if record.turn is None:
            self._ingest_queue.append(AcceptRecord(record))
        else:
            self._add_to_line(record)

    def add_invalid(self, record: Record, message: str) -> None:
        """Add a record that is no event, to be dead-lettered; `message` says why."""
        self._offsets.open(record.offset, record.size)
        self._ingest_queue.append(DeadLetterRecord(record, "unreadable", message))

    def advance_to(self, offset: int) -> None:
        """Note that the log was read up to this offset. Offsets without a record, such as those of transaction
        markers, are done."""
        self._offsets.advance_to(offset)

    def set_limit(self, limit: int) -> None:
        """Set how many thoughts of this lane may be in flight. The window grows with it, so that there are always users
        whose heads can begin."""
        self._begin_queue.limit = limit
        self._window = self._least_window.for_users(2 * limit)

    def note_unread(self, records: int) -> None:
        """Note how many records the partition has behind those that were read: a backlog begins at a pace."""
        self._begin_queue.unread = records

    def next_ingest(self, now: float) -> AcceptRecord | DeadLetterRecord | None:
        """Return the first record of the ingest queue; None when the queue is empty or waits for PostgreSQL."""
        return self._ingest_queue[0] if self._ingest_queue and now >= self._ingest_at else None

    def accepted(self, record: Record, turn: int) -> None:
        """Note that the record is a thought with this turn, new or known before. It joins its user's line."""
        self._finish_ingest(record)
        self._add_to_line(replace(record, turn=turn))

    def not_acceptable(self, record: Record, reason: str) -> None:
        """Note that the record can never be a thought. It is dead-lettered next, before the records behind it."""
        self._finish_ingest(record)
        self._ingest_queue.appendleft(DeadLetterRecord(record, reason))

    def dead_lettered(self, record: Record) -> None:
        """Note that the record's dead letter is in the outbox, which closes its offset."""
        self._finish_ingest(record)
        self._offsets.close(record.offset)

    def ingest_failed(self, now: float) -> None:
        """Note that PostgreSQL is unavailable. The ingest queue waits a moment and keeps its order."""
        self._ingest_at = now + DATABASE_RETRY_SECONDS

    def due_requests(self, now: float) -> list[DecideRequest]:
        """Start the requests that are due, one per user. Each one must be answered by `decided` or `decide_failed`."""
        begins = self._begin_queue.users_that_may_begin(self._lines, now)
        return [
            self._request(user_id, line, now, may_begin=user_id in begins)
            for user_id, line in self._lines.items()
            if line.is_due(now) or (line.phase is Phase.WAITING and user_id in begins)
        ]

    def decided(self, decision: Decision, now: float) -> None:
        """Apply PostgreSQL's answer about one user: its verdicts first, then the head if a record is still open.

        Ignores an answer to no request.
        """
        line = self._lines.get(decision.user_id)
        if line is None or line.phase is not Phase.DECIDING:
            return
        in_order = sorted(decision.verdicts, key=lambda verdict: verdict.offset)
        still_open = [verdict for verdict in in_order if self._apply_verdict(line, verdict)]
        if not line.records:
            del self._lines[decision.user_id]
            self._begin_queue.discard(decision.user_id, now)
        elif not still_open:
            line.phase, line.in_flight = Phase.DUE, False
        else:
            self._watch_head(line, decision.head, now)
            self._begin_queue.note(decision.user_id, line, now)

    def decide_failed(self, now: float) -> None:
        """Note that PostgreSQL did not answer. Requests in progress are repeated after a moment, and every lease starts
        again: workers could not renew theirs either, so an unchanged version proves nothing."""
        for line in self._lines.values():
            line.unchanged_since = now
            if line.phase is Phase.DECIDING:
                line.watch_until(now + DATABASE_RETRY_SECONDS, now)

    def heads_to_dispatch(self) -> list[Head]:
        """Return the heads whose chains must be sent. A chain that is sent again carries the same task ids."""
        return [line.head for line in self._lines.values() if line.phase is Phase.DISPATCHING and line.head]

    def users(self) -> list[UUID]:
        """Return the users whose lines the lane holds."""
        return list(self._lines)

    @property
    def user_count(self) -> int:
        """How many users' lines the lane holds."""
        return len(self._lines)

    def dispatched(self, head: Head, now: float) -> None:
        """Note that the broker has the head's chain. The lease starts here, not at the decision."""
        line = self._lines.get(head.user_id)
        if line is not None and line.phase is Phase.DISPATCHING:
            line.unchanged_since = now
            line.watch_until(self._next_poll(line, now), now)

    def wake(self, user: UUID, now: float) -> None:
        """Poll the user's line at once, because one of the user's thoughts is finished. Only a hint: it closes nothing,
        and users whose lines the lane does not hold are ignored."""
        line = self._lines.get(user)
        if line is None:
            return
        if line.phase is Phase.WATCHING:
            line.poll_at = now
        elif line.phase is Phase.WAITING:
            line.phase = Phase.DUE
        else:
            line.poll_again = True

    def _allows_more(self, window: Window) -> bool:
        return window.allows_more(len(self._lines), len(self._offsets), self._offsets.bytes)

    def _add_to_line(self, record: Record) -> None:
        line = self._lines.setdefault(record.user_id, Line())
        line.records[record.offset] = record

    def _finish_ingest(self, record: Record) -> None:
        if self._ingest_queue and self._ingest_queue[0].record.offset == record.offset:
            self._ingest_queue.popleft()

    def _request(self, user_id: UUID, line: Line, now: float, *, may_begin: bool) -> DecideRequest:
        line.phase, line.poll_again = Phase.DECIDING, False
        line.in_flight = line.in_flight or may_begin
        is_expired = line.version is not None and now - line.unchanged_since >= line.lease_seconds
        records = tuple(islice(line.records.values(), RECORDS_PER_REQUEST))
        return DecideRequest(user_id, records, line.version if is_expired else None, may_begin)

    def _apply_verdict(self, line: Line, verdict: RecordVerdict) -> bool:
        """Close the record's offset, or queue the record to be accepted or dead-lettered.

        Return True if the record stays open in the line.
        """
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
        """Start a lease if the head's version has changed; then dispatch the head, or watch it until the next poll.
        A pending head has no lease: it waits until it may begin."""
        if head is None:
            line.version = None
            line.watch_until(now + LOCKED_HEAD_RETRY_SECONDS, now)
            return
        line.head, line.in_flight = head, head.is_in_flight
        if head.pending:
            line.version = None
            line.phase = Phase.DUE if line.poll_again else Phase.WAITING
            return
        if line.version != head.version:
            line.version, line.unchanged_since = head.version, now
            line.lease_seconds = lease_for(head, self._lease_seconds)
        if head.needs_dispatch:
            line.phase = Phase.DISPATCHING
        else:
            line.watch_until(self._next_poll(line, now), now)

    def _next_poll(self, line: Line, now: float) -> float:
        return min(now + self._lease_seconds / 4, line.unchanged_since + line.lease_seconds)
