"""The types that the lane exchanges with its driver: plain values, without SQL and without Kafka.

lane --DecideRequest--> decide --Decision--> lane --Head--> dispatcher
lane --AcceptRecord, DeadLetterRecord--> ingestion --> lane
"""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from bridge.records.types import Record
from contracts.source_headers import StoredHeaders

VerdictKind = Literal["done", "open", "unknown", "contradicts"]
"""What a record means, as PostgreSQL knows its thought:

- `done`: the thought is terminal, or it failed in the record's turn and was replayed since, or the record's user has
  joined the account to which the thought belongs. The offset is closed.
- `open`: the thought is not terminal. The offset stays open.
- `unknown`: no thought has this id. The record is accepted as an external producer's.
- `contradicts`: the thought belongs to another user. The record is dead-lettered.
"""


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """The version of a head at one poll, for compare-and-set.

    Every write of the worker changes it, so the worker's lease has expired when it stays equal for the whole lease.
    """

    thought_id: UUID
    """The thought at the head of the line."""
    dispatch_id: int
    """Its fencing token: the number of the dispatch that may work on it."""
    beat: int
    """Its counter, incremented by every write of the worker and of Decide."""


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """A request about one user: what do these records mean, and is the head of the line to be dispatched?"""

    user_id: UUID
    """The user whose line is meant."""
    records: tuple[Record, ...]
    """Records of this user at open offsets, in the order of the log; at least one."""
    expired_version: HeadVersion | None
    """The head's version, when its lease has expired: Decide takes the head over if it still has this version.
    None when no lease has expired."""
    may_begin: bool = True
    """Whether a pending head may begin. When the workers have no free slot for it, it stays pending."""


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """PostgreSQL's verdict on one record."""

    offset: int
    """The record's offset."""
    kind: VerdictKind
    """What the record means."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a user's line, as the row stands after the decision."""

    thought_id: UUID
    """The first unfinished thought of the line."""
    user_id: UUID
    """Its user."""
    turn: int
    """Its position in the line."""
    steps_done: int
    """Steps whose results are saved; the chain starts at the next one."""
    dispatch_id: int
    """Fencing token that goes into every message of the chain."""
    beat: int
    """Counter that every write increments; part of the head's version."""
    sends: int
    """How often the next step's message was sent under this token, the send that is due included."""
    losses: int
    """Workers that died in the call of the next step; above 0 the step goes to the queue `solo`."""
    in_call: bool
    """Whether a worker has claimed the next step."""
    wait: float
    """Seconds until a retry may start, by PostgreSQL's clock; 0 without a retry."""
    needs_dispatch: bool
    """Whether this decision dispatched the head, as its first one or as a takeover: its chain must be sent now."""
    begins: bool
    """Whether this decision began a pending thought, so that `thought_processing` must be published."""
    pending: bool = False
    """Whether the head has not begun, because the request did not allow it."""
    tracing: StoredHeaders | None = field(default=None, compare=False)
    """An external producer's tracing headers, as `contracts.source_headers` stores them."""

    @property
    def is_in_flight(self) -> bool:
        """Whether the head occupies a slot of the workers, or soon will. A pending head does not, nor one that waits
        for a retry, nor one for the queue `solo`, which has its own worker."""
        return not self.pending and self.wait <= 0 and not self.losses

    @property
    def version(self) -> HeadVersion:
        """The version that the next poll is compared with."""
        return HeadVersion(self.thought_id, self.dispatch_id, self.beat)


@dataclass(frozen=True, slots=True)
class Decision:
    """PostgreSQL's answer to a DecideRequest."""

    user_id: UUID
    """The user of the request."""
    verdicts: tuple[RecordVerdict, ...]
    """One verdict for each record of the request, in any order."""
    head: Head | None
    """The head of the user's line. None when no record is open, or when another transaction has the head locked."""


@dataclass(frozen=True, slots=True)
class AcceptRecord:
    """Asks the driver to store the record as a thought (Accept), then to call `Lane.accepted`.

    Without a turn the record is an external producer's; with one, PostgreSQL has no thought of its id.
    """

    record: Record
    """The record to be stored."""


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """Asks the driver to write a dead letter for a record that cannot become a thought, then to call
    `Lane.dead_lettered`."""

    record: Record
    """The record, with its bytes."""
    reason: str
    """Dead letter reason: `unreadable`, `contradicts`, `unknown-user` or `invalid`."""
    message: str = ""
    """Details for a person; "" where the reason says everything."""
