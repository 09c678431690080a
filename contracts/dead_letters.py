"""-> dead letter topic: defines the record. Its value is the original event's bytes, its headers describe the failure.

In PostgreSQL the headers are one JSON object; `kafka_headers` converts it to Kafka's headers and `read_headers`
converts them back. docs/dead-letters.md explains the header names to other consumers.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from contracts.source_headers import Headers, decode_bytes, encode_bytes
from contracts.text import clean

CANCELLED: Final = "cancelled"
"""The reason of the dead letter of a cancelled thought: it is discarded from the start, and never published."""

MAX_STACK_LENGTH: Final = 12_000
"""Characters of a stack trace that are kept, counted from its end. The record size that the dead letter topic accepts
leaves 64 KiB for the headers that describe the failure (bridge/kafka/topics.py), at up to four bytes per character."""

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
"""Key of the JSON object -> header name in Kafka. Keys that are not listed have the same name in both."""

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
"""How many original headers a dead letter carries. The prefix makes each of them longer, and a record may have tens of
thousands, so the topic omits and counts the others. The table `dead_letters` keeps all that fit into a dead letter."""

_NESTED: Final = frozenset({"origin", "original_key", "original_headers", "original_headers_left_out"})
PERSONAL_KEYS: Final = "{message,stack,original_key,original_headers}"
"""The keys of the JSON object that may hold text of the author, as PostgreSQL's array: a deletion removes them."""

_JSON_NAMES: Final = {header: name for name, header in HEADER_NAMES.items()}
_ORIGIN_NAMES: Final = {header: name for name, header in ORIGIN_HEADERS.items()}
NUMBER_LIMITS: Final = {"attempts": 2**31, "partition": 2**31, "offset": 2**63, "timestamp": 2**63}
"""The numeric keys of the JSON object, each with its exclusive upper limit in PostgreSQL."""

_THOUGHT_FAILURE_ID: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([1-9][0-9]{0,18})")


def failure_headers(
    *, reason: str, error_class: str, message: str, stack: str = "", agent: str = "", attempts: int = 0
) -> dict[str, Any]:
    """Return the JSON object of a failure, cut to the maximum lengths and cleaned of what PostgreSQL rejects."""
    return {
        "reason": reason,
        "error_class": clean(error_class)[:MAX_CLASS_LENGTH],
        "message": clean(message)[:MAX_MESSAGE_LENGTH],
        "stack": clean(stack)[-MAX_STACK_LENGTH:],
        "agent": agent,
        "attempts": attempts,
    }


def origin(topic: str, partition: int, offset: int, timestamp: int | None) -> dict[str, Any]:
    """Return the JSON object that identifies a record; `timestamp` is in milliseconds since the epoch, as in Kafka."""
    return {"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp}


def corrupt_origin(topic: str, partition: int, offset: int, topic_id: str) -> dict[str, Any]:
    """Return the JSON object that identifies a record that cannot be decoded.

    Its timestamp is unknown, so the topic's id distinguishes it from the record with the same offset in a topic that
    was deleted and created again.
    """
    return origin(topic, partition, offset, None) | {"topic_id": topic_id}


def record_failure_id(record_origin: Mapping[str, Any], value: bytes | None) -> str:
    """Return the failure id of a record that never became a thought. Reading the record again gives the same id."""
    digest = hashlib.sha256(repr(sorted(record_origin.items())).encode())
    digest.update(b"tombstone" if value is None else b"value" + value)
    return digest.hexdigest()


def parse_failure_id(failure_id: str) -> tuple[UUID, int] | None:
    """Return the thought and the turn that failed, or None for a record that never became a thought."""
    match = _THOUGHT_FAILURE_ID.fullmatch(failure_id)
    return (UUID(match[1]), int(match[2])) if match and int(match[2]) < NUMBER_LIMITS["offset"] else None


def kafka_headers(failure_id: str, headers: Mapping[str, Any]) -> Headers:
    """Return the headers of the dead letter's record. The original record's headers follow with a prefix."""
    own = {HEADER_NAMES.get(name, name): value for name, value in headers.items() if name not in _NESTED}
    origin = headers.get("origin") or {}
    origin_values = {ORIGIN_HEADERS[name]: value for name, value in origin.items() if name in ORIGIN_HEADERS}
    kafka_pairs: Headers = [
        (name, _encode(value)) for name, value in {FAILURE_ID_HEADER: failure_id, **own, **origin_values}.items()
    ]
    if "original_key" in headers:
        kafka_pairs.append((KEY_HEADER, decode_bytes(headers["original_key"])))
    originals = headers.get("original_headers") or []
    omitted = max(0, len(originals) - MAX_ORIGINAL_HEADERS) + int(headers.get("original_headers_left_out") or 0)
    if omitted:
        kafka_pairs.append((HEADERS_LEFT_OUT, _encode(omitted)))
    return kafka_pairs + [
        (ORIGINAL_HEADER_PREFIX + name, decode_bytes(value)) for name, value in originals[:MAX_ORIGINAL_HEADERS]
    ]


def read_headers(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str, dict[str, Any]] | None:
    """Return the failure id and the JSON object from which `kafka_headers` made these headers.

    Returns None for a record that is not a dead letter of this system.
    """
    pairs = list(headers)
    originals = [
        [name.removeprefix(ORIGINAL_HEADER_PREFIX), encode_bytes(value)]
        for name, value in pairs
        if name.startswith(ORIGINAL_HEADER_PREFIX)
    ]
    own = {name: value for name, value in pairs if not name.startswith(ORIGINAL_HEADER_PREFIX)}
    try:
        encoded = {name: value for name, value in own.items() if name != KEY_HEADER and name not in _NESTED}
        texts = {name: None if value is None else value.decode() for name, value in encoded.items()}
        where = {name: _decode(name, texts.pop(header)) for header, name in _ORIGIN_NAMES.items() if header in texts}
        failure_id, omitted = texts.pop(FAILURE_ID_HEADER, None), int(texts.pop(HEADERS_LEFT_OUT, None) or 0)
        failure: dict[str, Any] = {_JSON_NAMES.get(name, name): _decode(name, value) for name, value in texts.items()}
    except ValueError:
        return None
    if not failure_id or not failure.get("reason"):
        return None
    failure["origin"] = where or None
    if KEY_HEADER in own:
        failure |= {"original_key": encode_bytes(own[KEY_HEADER]), "original_headers": originals}
    return clean(failure_id), clean(failure) | ({"original_headers_left_out": omitted} if omitted else {})


def _encode(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _decode(name: str, value: str | None) -> str | int | None:
    if name not in NUMBER_LIMITS or value is None:
        return value
    if not -1 <= int(value) < NUMBER_LIMITS[name]:
        raise ValueError(f"{name} is out of range")
    return int(value)
