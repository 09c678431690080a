"""Parses a record of the work topic into the lane's form, or into an invalid record with the reason. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from bridge.kafka.limits import MAX_DEAD_LETTER_VALUE_BYTES, MAX_WORK_BATCH_BYTES
from bridge.records.types import UNKNOWN_ID, InvalidRecord, KafkaHeaders, RawRecord, Record
from contracts.dead_letters import record_failure_id
from contracts.events import InvalidEventError, ThoughtCreated, parse_created
from contracts.source_headers import TURN_HEADER
from contracts.text import INVISIBLE, clean
from contracts.visible_text import has_visible_character

EVENT_TYPE: Final = ThoughtCreated.model_fields["event_type"].default

MAX_RECORD_BYTES: Final = 1_000_000
"""The largest valid record: value, key and headers together. Kafka's own limit is a little higher, because an accepted
record must still fit into a record when it is emitted again with the header `turn`."""

MAX_HEADER_OVERHEAD_BYTES: Final = 16
"""The most bytes that a header takes besides its name and its value."""

MIN_HEADER_OVERHEAD_BYTES: Final = 2
"""The fewest. Counted this way, all headers that fit into an uncompressed batch of the work topic fit into a dead
letter."""


def parse_record(
    origin: Mapping[str, Any], value: bytes | None, headers: KafkaHeaders, key: bytes | None = None
) -> Record | InvalidRecord:
    """Return the record, or an invalid record with the reason. Never raises.

    `origin` is its position in Kafka, made by `contracts.dead_letters.origin`.
    """
    offset: int = origin["offset"]
    size = _size(value, headers, key)
    try:
        _check_size(size)
        event = _event(value)
        _check_key(key, event.user_id)
        turn = _turn(headers)
        if turn is None:
            _check_visible(event.text)
    except InvalidEventError as error:
        reason = clean(str(error))  # pydantic quotes the character that it rejects, NUL included
        raw = _raw_within_limits(origin, value, headers, key, error.kind)
        size = _size(raw.value, raw.headers, raw.key)
        return InvalidRecord(Record(offset, *_claimed_ids(raw.value), None, origin, raw, size), reason)
    return Record(offset, event.user_id, event.thought_id, turn, origin, RawRecord(value, headers, key), size)


def _claimed_ids(value: bytes | None) -> tuple[UUID, UUID]:
    """Return the user id and the thought id that an invalid record claims, or UNKNOWN_ID twice when it names none.

    When that thought is deleted, the text in the dead letter is deleted too.
    """
    try:
        event = json.loads(value or b"")
        return UUID(event["user_id"]), UUID(event["thought_id"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return UNKNOWN_ID, UNKNOWN_ID


def corrupt_record(origin: Mapping[str, Any], reason: str) -> InvalidRecord:
    """Return the invalid record for an offset whose record cannot be decoded.

    `origin` is made by `contracts.dead_letters.corrupt_origin`.
    """
    raw = RawRecord(None, (), error_kind="Undecodable", value_left_out="undecodable")
    return InvalidRecord(Record(origin["offset"], UNKNOWN_ID, UNKNOWN_ID, None, origin, raw), clean(reason))


def _raw_within_limits(
    origin: Mapping[str, Any], value: bytes | None, headers: KafkaHeaders, key: bytes | None, kind: str
) -> RawRecord:
    """Return the parts of a record that fit into a dead letter."""
    budget = _ByteBudget(MAX_WORK_BATCH_BYTES)
    kept_key = key if budget.take(len(key or b"")) else None
    kept_headers = [pair for pair in headers if budget.take(_length(*pair) + MIN_HEADER_OVERHEAD_BYTES)]
    has_value = len(value or b"") <= MAX_DEAD_LETTER_VALUE_BYTES
    value_left_out = (
        "" if has_value else f"{len(value or b'')} bytes, SHA-256 {hashlib.sha256(value or b'').hexdigest()}"
    )
    return RawRecord(
        value if has_value else None,
        kept_headers,
        kept_key,
        error_kind=kind,
        value_left_out=value_left_out,
        headers_left_out=len(headers) - len(kept_headers),
        failure_id=record_failure_id(origin, value),
    )


class _ByteBudget:
    """Bytes that are left in a dead letter for the key and the headers."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Return whether `size` more bytes fit, and reserve them if so."""
        fits = size <= self._left
        self._left -= size * fits
        return fits


def _event(value: bytes | None) -> ThoughtCreated:
    """Return the event, which must name its type although there is only one type."""
    try:
        event = parse_created(value)
    except InvalidEventError:
        _check_type(value)
        raise
    if "event_type" not in event.model_fields_set:
        _check_type(value)
    return event


def _check_type(value: bytes | None) -> None:
    """Raise InvalidEventError when the value is not an event of this type, whatever else is wrong with it."""
    if value is None:
        raise InvalidEventError("the record has no value; tombstones are not supported here", "Tombstone")
    if not value:
        raise InvalidEventError("the value is empty", "EmptyValue")
    try:
        parsed: Any = json.loads(value.decode())
    except UnicodeDecodeError:
        raise InvalidEventError("the value is not UTF-8", "NotUtf8") from None
    except (ValueError, RecursionError):
        raise InvalidEventError("the value is not JSON", "NotJson") from None
    if not isinstance(parsed, dict) or parsed.get("event_type") != EVENT_TYPE:
        raise InvalidEventError(f"event_type: only {EVENT_TYPE} is accepted", "UnknownEvent")


def _size(value: bytes | None, headers: KafkaHeaders, key: bytes | None) -> int:
    return len(value or b"") + len(key or b"") + sum(_length(*pair) + MAX_HEADER_OVERHEAD_BYTES for pair in headers)


def _length(name: str, value: bytes | None) -> int:
    return len(name.encode(errors="replace")) + len(value or b"")


def _check_size(size: int) -> None:
    if size > MAX_RECORD_BYTES:
        raise InvalidEventError(f"the record has {size:,} bytes; the most is {MAX_RECORD_BYTES:,}", "TooLarge")


def _check_key(key: bytes | None, user_id: UUID) -> None:
    """Raise InvalidEventError unless the key is the user id, because Kafka keeps the order only within a key."""
    if not key:
        raise InvalidEventError("the record has no key; it must be the event's user_id", "NoKey")
    try:
        keyed_user_id = UUID(key.decode("ascii"))
    except ValueError:
        raise InvalidEventError("the record's key is not a user_id", "WrongKey") from None
    if keyed_user_id != user_id:
        raise InvalidEventError("the record's key is not the event's user_id", "WrongKey")


def _check_visible(text: str) -> None:
    """Raise InvalidEventError for a new thought without a visible character. A record with a turn was accepted before,
    perhaps by a version without this rule, and what was accepted is analysed."""
    if not has_visible_character(text):
        raise InvalidEventError(f"text: {INVISIBLE}", "WrongField")


def _turn(headers: KafkaHeaders) -> int | None:
    """Return the last turn header's number, or None for an external producer's record."""
    turns = [value for name, value in headers if name == TURN_HEADER]
    if not turns:
        return None
    try:
        turn = int(turns[-1] or b"")
    except ValueError:
        raise InvalidEventError("the header turn is not a number", "WrongTurn") from None
    if not 0 < turn < 2**63:
        raise InvalidEventError("the header turn is out of range", "WrongTurn")
    return turn
