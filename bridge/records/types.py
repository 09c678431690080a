"""Defines a record of the work topic: as the lane sees it, as it came from Kafka, and an invalid one. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

UNKNOWN_ID: Final = UUID(int=0)
"""The user id and the thought id of a record that names none."""

KafkaHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record's bytes and headers as Kafka delivered them.

    The parsed event is not kept: a text takes up to four times its bytes in memory, and most records never need it
    again.
    """

    value: bytes | None
    headers: KafkaHeaders
    key: bytes | None = None
    error_kind: str = ""
    """Why the record is invalid, in one word; empty for a valid one."""
    value_left_out: str = ""
    """Why the value is missing, if the record had one."""
    headers_left_out: int = 0
    failure_id: str = ""
    """The failure id of an invalid record, derived from its origin and its whole value."""


NO_BYTES: Final = RawRecord(None, ())


@dataclass(frozen=True, slots=True)
class Record:
    """A hint that its user's line may have work.

    `turn` is None when the record came from an external producer. `origin` is its position in Kafka. `raw` is what
    accepting or dead-lettering needs and the lane never reads; it has `size` bytes.
    """

    offset: int
    user_id: UUID
    thought_id: UUID
    turn: int | None
    origin: Mapping[str, Any] | None = None
    raw: RawRecord = field(default=NO_BYTES, compare=False, repr=False)
    size: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A record that another installation's relay wrote to the same topic; that installation reads it itself."""

    offset: int
    sender: str
    """The id of that installation."""


@dataclass(frozen=True, slots=True)
class InvalidRecord:
    """A record that is not a valid event, and the reason."""

    record: Record
    message: str
