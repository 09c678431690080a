"""What the lane asks, hears and hands out: plain types, without SQL and without Kafka."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from bridge.records.types import Record
from contracts.source_headers import StoredHeaders

VerdictKind = Literal["done", "open", "unknown", "contradicts"]


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """What a head looked like; the same again after the whole patience means silence."""

    thought_id: UUID
    dispatch_id: int
    beat: int


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """A question about one user; `seen` only for a head that was watched being silent."""

    user_id: UUID
    records: tuple[Record, ...]
    expired_version: HeadVersion | None


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """What is to become of one record."""

    offset: int
    kind: VerdictKind


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a user's line, as it stands after the decision. `wait`: seconds until a retry may start; `tracing`:
    another producer's, as `contracts.source_headers` keeps them."""

    thought_id: UUID
    user_id: UUID
    turn: int
    steps_done: int
    dispatch_id: int
    beat: int
    sends: int
    losses: int
    in_call: bool
    wait: float
    dispatched: bool
    begins: bool
    tracing: StoredHeaders | None = field(default=None, compare=False)

    @property
    def version(self) -> HeadVersion:
        """What to compare the next look with."""
        return HeadVersion(self.thought_id, self.dispatch_id, self.beat)


@dataclass(frozen=True, slots=True)
class Decision:
    """PostgreSQL's answer about one user."""

    user_id: UUID
    verdicts: tuple[RecordVerdict, ...]
    head: Head | None


@dataclass(frozen=True, slots=True)
class AcceptRecord:
    """A record that no thought is known for: Accept it, in the order of the log, then `Lane.stored`."""

    record: Record


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """A record that can never be a thought: make it a dead letter, then `Lane.buried`.

    `reason` is one of a few words to sort by, `message` says more where there is more to say.
    """

    record: Record
    reason: str
    message: str = ""
