"""Kafka's record -> the lane's: what it says, or why it cannot be read. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from bridge.kafka.topics import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.types import NOBODY, InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import record_failure_id
from contracts.events import InvalidEventError, ThoughtCreated, parse_created
from contracts.source_headers import TURN_HEADER
from contracts.text import clean

EVENT_TYPE: Final = ThoughtCreated.model_fields["event_type"].default

MAX_RECORD_BYTES: Final = 1_000_000
"""Value, key and headers together. Kafka's own bound is a little higher: what is taken must fit into a record once more
when it is emitted again, with the header `turn`."""

MAX_HEADER_OVERHEAD_BYTES: Final = 16
"""What a header takes besides its name and its value, at most."""

MIN_HEADER_OVERHEAD_BYTES: Final = 2
"""And at least: counted so, all the headers that fit into a batch of the work topic unpacked fit into a dead letter."""


def parse_record(
    origin: Mapping[str, Any], value: bytes | None, headers: KafkaHeaders, key: bytes | None = None
) -> Record | InvalidRecord:
    """Read one record of the work topic; `where` is its `contracts.dead_letters.origin`. Never raises."""
    offset: int = origin["offset"]
    size = _size(value, headers, key)
    try:
        _check_size(size)
        event = _event(value)
        _check_key(key, event.user_id)
        turn = _turn(headers)
    except InvalidEventError as unreadable:
        reason = clean(str(unreadable))  # pydantic quotes the character it did not like, NUL included
        body = _raw_within_limits(origin, value, headers, key, unreadable.kind)
        size = _size(body.value, body.headers, body.key)
        return InvalidRecord(Record(offset, *_claimed_ids(body.value), None, origin, body, size), reason)
    return Record(offset, event.user_id, event.thought_id, turn, origin, RawRecord(value, headers, key), size)


def _claimed_ids(value: bytes | None) -> tuple[UUID, UUID]:
    """Whose and which thought a refused record says it is: who deletes that one deletes the words here as well.
    NOBODY's where it does not say."""
    try:
        told = json.loads(value or b"")
        return UUID(told["user_id"]), UUID(told["thought_id"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return NOBODY, NOBODY


def corrupt_record(origin: Mapping[str, Any], why: str) -> InvalidRecord:
    """What stands at an offset whose record cannot be decoded; `where` is its `damaged_origin`."""
    body = RawRecord(None, (), error_kind="Undecodable", value_left_out="undecodable")
    return InvalidRecord(Record(origin["offset"], NOBODY, NOBODY, None, origin, body), clean(why))


def _raw_within_limits(
    where: Mapping[str, Any], value: bytes | None, headers: KafkaHeaders, key: bytes | None, kind: str
) -> RawRecord:
    """All of a record that a dead letter has room for."""
    room = ByteBudget(MAX_WORK_BATCH_BYTES)
    kept_key = key if room.take(len(key or b"")) else None
    kept = [(name, told) for name, told in headers if room.take(_length(name, told) + MIN_HEADER_OVERHEAD_BYTES)]
    has_value = len(value or b"") <= MAX_DEAD_LETTER_VALUE_BYTES
    left_out = "" if has_value else f"{len(value or b'')} bytes, SHA-256 {hashlib.sha256(value or b'').hexdigest()}"
    failure_id = record_failure_id(where, value)
    return RawRecord(value if has_value else None, kept, kept_key, kind, left_out, len(headers) - len(kept), failure_id)


class ByteBudget:
    """Bytes that are left for what comes besides the value."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Whether so many fit; if so, they have their place."""
        fits = size <= self._left
        self._left -= size * fits
        return fits


def _event(value: bytes | None) -> ThoughtCreated:
    """The one type of event there is. What does not say its type is none, though no other could be meant."""
    try:
        event = parse_created(value)
    except InvalidEventError:
        _check_type(value)
        raise
    if "event_type" not in event.model_fields_set:
        _check_type(value)
    return event


def _check_type(value: bytes | None) -> None:
    """Raises UnreadableEventError for what is no event of this type, whatever else is wrong with it."""
    if value is None:
        raise InvalidEventError("the record has no value: a tombstone deletes nothing here", "Tombstone")
    if not value:
        raise InvalidEventError("the value is empty", "EmptyValue")
    try:
        parsed: Any = json.loads(value.decode())
    except UnicodeDecodeError:
        raise InvalidEventError("the value is not UTF-8", "NotUtf8") from None
    except (ValueError, RecursionError):
        raise InvalidEventError("the value is not JSON", "NotJson") from None
    if not isinstance(parsed, dict) or parsed.get("event_type") != EVENT_TYPE:
        raise InvalidEventError(f"event_type: only {EVENT_TYPE} is taken here", "UnknownEvent")


def _size(value: bytes | None, headers: KafkaHeaders, key: bytes | None) -> int:
    return len(value or b"") + len(key or b"") + sum(_length(*pair) + MAX_HEADER_OVERHEAD_BYTES for pair in headers)


def _length(name: str, value: bytes | None) -> int:
    return len(name.encode(errors="replace")) + len(value or b"")


def _check_size(size: int) -> None:
    if size > MAX_RECORD_BYTES:
        raise InvalidEventError(f"the record has {size:,} bytes; the most is {MAX_RECORD_BYTES:,}", "TooLarge")


def _check_key(key: bytes | None, user_id: UUID) -> None:
    """Kafka keeps the order of one key only, so a record that is not keyed by its user came from a wrong producer."""
    if not key:
        raise InvalidEventError("the record has no key; it must be the event's user_id", "NoKey")
    try:
        keyed = UUID(key.decode("ascii"))
    except ValueError:
        raise InvalidEventError("the record's key is no user_id", "WrongKey") from None
    if keyed != user_id:
        raise InvalidEventError("the record's key is another user's than the event's user_id", "WrongKey")


def _turn(headers: KafkaHeaders) -> int | None:
    found = [value for name, value in headers if name == TURN_HEADER]
    if not found:
        return None
    try:
        turn = int(found[-1] or b"")
    except ValueError:
        raise InvalidEventError("the header turn is not a number", "WrongTurn") from None
    if not 0 < turn < 2**63:
        raise InvalidEventError("the header turn is out of range", "WrongTurn")
    return turn
