"""A record of the work topic: as the lane sees it, as it came from Kafka, and one that is no event. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

NOBODY: Final = UUID(int=0)
"""The user and the thought of a record that names none."""

KafkaHeaders = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record's bytes and headers as they came. The event is not kept: a text takes up to four times its bytes, and of
    most records nobody asks for it again."""

    value: bytes | None
    headers: KafkaHeaders
    key: bytes | None = None
    error_kind: str = ""
    """Why it could not be read, in one word."""
    value_left_out: str = ""
    """Why the value is not here, where there was one."""
    headers_left_out: int = 0
    failure_id: str = ""
    """Of a record that cannot be read, made of all of it."""


NO_BYTES: Final = RawRecord(None, ())


@dataclass(frozen=True, slots=True)
class Record:
    """A doorbell. `turn` is None when the record came from another producer; `origin` says where it stood in Kafka;
    `body` is what Accept or Bury needs and the lane never looks at, of `size` bytes."""

    offset: int
    user_id: UUID
    thought_id: UUID
    turn: int | None
    origin: Mapping[str, Any] | None = None
    raw: RawRecord = field(default=NO_BYTES, compare=False, repr=False)
    size: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InvalidRecord:
    """A record that is no event we know, and why."""

    record: Record
    reason: str
