"""-> dead letter topic: the original event's bytes as the value, and headers that say why it is there.

In PostgreSQL the headers are one JSON object; `kafka_headers` turns it into what Kafka carries, and `read_headers`
back. docs/dead-letters.md tells other consumers what the names mean.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from contracts.source_headers import Headers, decode_bytes, encode_bytes
from contracts.text import clean

MAX_STACK_LENGTH: Final = 12_000
"""Characters kept of a stack trace. The dead letter topic takes 64 KiB more than the work topic, and no more: all that
is told here has to fit into that, at up to four bytes a character."""

MAX_MESSAGE_LENGTH: Final = 2_000
MAX_CLASS_LENGTH: Final = 200

HEADER_NAMES: Final = {
    "error_class": "error-class",
    "message": "error-message",
    "stack": "error-stack",
    "user_id": "user-id",
    "thought_id": "thought-id",
    "value_left_out": "original-value-left-out",
}
"""What the keys of the JSON object are called in Kafka; the others keep their names."""

ORIGIN_HEADERS: Final = {
    "topic": "original-topic",
    "partition": "original-partition",
    "offset": "original-offset",
    "timestamp": "original-timestamp",
    "topic_id": "original-topic-id",
}

FAILURE_ID_HEADER: Final = "failure-id"
KEY_HEADER: Final = "original-key"
HEADERS_LEFT_OUT: Final = "original-headers-left-out"
ORIGINAL_HEADER_PREFIX: Final = "original-header-"

MAX_ORIGINAL_HEADERS: Final = 100
"""The prefix makes each of them longer, and a record may have tens of thousands: those after so many are left out in
the topic, and counted; the index has them, but for those that would not fit into a dead letter with the record."""

_NESTED: Final = frozenset({"origin", "original_key", "original_headers", "original_headers_left_out"})
_JSON_NAMES: Final = {told: name for name, told in HEADER_NAMES.items()}
_ORIGIN_NAMES: Final = {told: name for name, told in ORIGIN_HEADERS.items()}
NUMBER_LIMITS: Final = {"attempts": 2**31, "partition": 2**31, "offset": 2**63, "timestamp": 2**63}
"""The numbers among the headers, and what PostgreSQL takes of each."""

_THOUGHT_FAILURE_ID: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([1-9][0-9]{0,18})")


def failure_headers(
    *, reason: str, error_class: str, message: str, stack: str = "", agent: str = "", attempts: int = 0
) -> dict[str, Any]:
    """The JSON object of a failure, cleaned of what PostgreSQL refuses and cut to bounded lengths."""
    return {
        "reason": reason,
        "error_class": clean(error_class)[:MAX_CLASS_LENGTH],
        "message": clean(message)[:MAX_MESSAGE_LENGTH],
        "stack": clean(stack)[-MAX_STACK_LENGTH:],
        "agent": agent,
        "attempts": attempts,
    }


def origin(topic: str, partition: int, offset: int, timestamp: int | None) -> dict[str, Any]:
    """Where a record stood; `timestamp` in milliseconds since the epoch, as Kafka has it."""
    return {"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp}


def corrupt_origin(topic: str, partition: int, offset: int, topic_id: str) -> dict[str, Any]:
    """Where a record stands that nobody can read, not even its time: the topic's id tells it from one that stands
    there when the topic was made anew."""
    return origin(topic, partition, offset, None) | {"topic_id": topic_id}


def record_failure_id(record_origin: Mapping[str, Any], value: bytes | None) -> str:
    """The id of a record that could not be read: who reads it again finds the same one."""
    digest = hashlib.sha256(repr(sorted(record_origin.items())).encode())
    digest.update(b"tombstone" if value is None else b"value" + value)
    return digest.hexdigest()


def parse_failure_id(failure_id: str) -> tuple[UUID, int] | None:
    """The thought and the turn that failed; None for a record that never became a thought."""
    found = _THOUGHT_FAILURE_ID.fullmatch(failure_id)
    return (UUID(found[1]), int(found[2])) if found and int(found[2]) < NUMBER_LIMITS["offset"] else None


def kafka_headers(failure_id: str, headers: Mapping[str, Any]) -> Headers:
    """The headers of the dead letter's record. The original's own headers follow with the prefix `original-header-`."""
    own = {HEADER_NAMES.get(name, name): value for name, value in headers.items() if name not in _NESTED}
    origin = headers.get("origin") or {}
    origin_values = {ORIGIN_HEADERS[name]: value for name, value in origin.items() if name in ORIGIN_HEADERS}
    kafka_pairs: Headers = [
        (name, _encode(value)) for name, value in {FAILURE_ID_HEADER: failure_id, **own, **origin_values}.items()
    ]
    if "original_key" in headers:
        kafka_pairs.append((KEY_HEADER, decode_bytes(headers["original_key"])))
    originals = headers.get("original_headers") or []
    left_out = max(0, len(originals) - MAX_ORIGINAL_HEADERS) + int(headers.get("original_headers_left_out") or 0)
    if left_out:
        kafka_pairs.append((HEADERS_LEFT_OUT, _encode(left_out)))
    return kafka_pairs + [
        (ORIGINAL_HEADER_PREFIX + name, decode_bytes(value)) for name, value in originals[:MAX_ORIGINAL_HEADERS]
    ]


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str, dict[str, Any]] | None:
    """The failure id and the JSON object that `kafka_headers` made these headers of; None for another's record."""
    given = list(headers)
    originals = [
        [name.removeprefix(ORIGINAL_HEADER_PREFIX), encode_bytes(value)]
        for name, value in given
        if name.startswith(ORIGINAL_HEADER_PREFIX)
    ]
    own = {name: value for name, value in given if not name.startswith(ORIGINAL_HEADER_PREFIX)}
    try:
        words = {name: value for name, value in own.items() if name != KEY_HEADER and name not in _NESTED}
        told = {name: None if value is None else value.decode() for name, value in words.items()}
        where = {name: _decode(name, told.pop(header)) for header, name in _ORIGIN_NAMES.items() if header in told}
        failure_id, left_out = told.pop(FAILURE_ID_HEADER, None), int(told.pop(HEADERS_LEFT_OUT, None) or 0)
        found: dict[str, Any] = {_JSON_NAMES.get(name, name): _decode(name, value) for name, value in told.items()}
    except ValueError:
        return None
    if not failure_id or not found.get("reason"):
        return None
    found["origin"] = where or None
    if KEY_HEADER in own:
        found |= {"original_key": encode_bytes(own[KEY_HEADER]), "original_headers": originals}
    return clean(failure_id), clean(found) | ({"original_headers_left_out": left_out} if left_out else {})


def _encode(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _decode(name: str, value: str | None) -> str | int | None:
    if name not in NUMBER_LIMITS or value is None:
        return value
    if not -1 <= int(value) < NUMBER_LIMITS[name]:
        raise ValueError(f"{name} is out of range")
    return int(value)
