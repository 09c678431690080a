"""Stores an external producer's key and headers with its thought, and restores them when the record is written again.

    {"original_key": base64 or null, "original_headers": [[name, base64 or null], ...], "tracing": [[name, base64] ...]}

Header names are text, values are arbitrary bytes; order and duplicates are kept. `tracing` exists only if the record
has headers of TRACING_HEADERS; those are also added to the thought's lifecycle events and Celery messages.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.text import clean

TRACING_HEADERS: Final = frozenset({"traceparent", "tracestate", "baggage"})
"""The headers of W3C Trace Context and W3C Baggage, in lower case."""

TURN_HEADER: Final = "turn"
"""Our own header: the thought's turn. An external producer's header with this name is stored but not sent again,
because its value has another meaning."""

Headers = list[tuple[str, bytes | None]]
StoredHeaders = list[list[Any]]


def capture_headers(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """Return a record's key and headers as a JSON object."""
    return {
        "original_key": encode_bytes(key),
        "original_headers": [[clean(name), encode_bytes(value)] for name, value in headers],
    }


def capture_source(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """Return the JSON object that a thought stores about the record that created it."""
    stored = capture_headers(key, headers)
    traces = [pair for pair in stored["original_headers"] if pair[0].lower() in TRACING_HEADERS and pair[1] is not None]
    return stored | ({"tracing": traces} if traces else {})


def restore_headers(stored: Mapping[str, Any], turn: int | None) -> Headers:
    """Return the headers for writing the record to Kafka again: the original ones, and the turn if there is one."""
    originals: Headers = [(name, decode_bytes(value)) for name, value in stored.get("original_headers") or []]
    if turn is None:
        return originals
    return [(TURN_HEADER, str(turn).encode()), *(pair for pair in originals if pair[0] != TURN_HEADER)]


def restore_key(stored: Mapping[str, Any]) -> bytes | None:
    """Return the original record's key."""
    return decode_bytes(stored.get("original_key"))


def encode_bytes(value: bytes | None) -> str | None:
    """Encode bytes as base64, for JSON."""
    return None if value is None else base64.b64encode(value).decode()


def decode_bytes(value: str | None) -> bytes | None:
    """Decode what `encode_bytes` returned."""
    return None if value is None else base64.b64decode(value)
