"""-> dead letter topic: the original event's bytes as the value, and headers that say why it is there.

In PostgreSQL the headers are one JSON object; `kafka_headers` turns it into what Kafka carries.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.text import clean

STACK_LENGTH: Final = 12_000
"""Characters kept of a stack trace. The dead letter topic takes 64 KiB more than the work topic, and no more: all that
is told here has to fit into that, at up to four bytes a character."""

MESSAGE_LENGTH: Final = 2_000
CLASS_LENGTH: Final = 200

HEADER_NAMES: Final = {"error_class": "error-class", "message": "error-message", "stack": "error-stack"}
"""What the keys of the JSON object are called in Kafka; the others keep their names."""

ORIGIN_HEADERS: Final = {
    "topic": "original-topic",
    "partition": "original-partition",
    "offset": "original-offset",
    "timestamp": "original-timestamp",
}

Headers = list[tuple[str, bytes | None]]

_NESTED: Final = frozenset({"origin", "original_key", "original_headers"})


def failure_headers(
    *, reason: str, error_class: str, message: str, stack: str = "", agent: str = "", attempts: int = 0
) -> dict[str, Any]:
    """The JSON object of a failure, cleaned of what PostgreSQL refuses and cut to bounded lengths."""
    return {
        "reason": reason,
        "error_class": clean(error_class)[:CLASS_LENGTH],
        "message": clean(message)[:MESSAGE_LENGTH],
        "stack": clean(stack)[-STACK_LENGTH:],
        "agent": agent,
        "attempts": attempts,
    }


def origin(topic: str, partition: int, offset: int, timestamp: int | None) -> dict[str, Any]:
    """Where a record stood; `timestamp` in milliseconds since the epoch, as Kafka has it."""
    return {"topic": topic, "partition": partition, "offset": offset, "timestamp": timestamp}


def record_failure_id(record_origin: Mapping[str, Any], value: bytes | None) -> str:
    """The id of a record that could not be read: who reads it again finds the same one."""
    digest = hashlib.sha256(repr(sorted(record_origin.items())).encode())
    digest.update(b"tombstone" if value is None else b"value" + value)
    return digest.hexdigest()


def original(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """The original record's key and headers in JSON: `[name, base64 or null]`, in order, repeats kept."""
    return {
        "original_key": _encoded(key),
        "original_headers": [[clean(name), _encoded(value)] for name, value in headers],
    }


def kafka_headers(failure_id: str, headers: Mapping[str, Any]) -> Headers:
    """The headers of the dead letter's record. The original's own headers follow with the prefix `original-header-`."""
    own = {HEADER_NAMES.get(name, name): value for name, value in headers.items() if name not in _NESTED}
    where = headers.get("origin") or {}
    found = {ORIGIN_HEADERS[name]: value for name, value in where.items() if name in ORIGIN_HEADERS}
    told: Headers = [(name, _told(value)) for name, value in {"failure-id": failure_id, **own, **found}.items()]
    if headers.get("original_key") is not None:
        told.append(("original-key", _decoded(headers["original_key"])))
    return told + [
        (f"original-header-{name}", _decoded(value)) for name, value in headers.get("original_headers") or []
    ]


def _told(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _encoded(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _decoded(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)
