"""Another producer's key and headers: a JSON object that is kept with its thought, and what Kafka is told again.

    {"original_key": base64 or null, "original_headers": [[name, base64 or null], ...], "tracing": [[name, base64] ...]}

Header names are text and values any bytes; order and repeats are kept. `tracing` is there when there are any of
TRACING: those go on with everything that is told of the thought.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.text import clean

TRACING_HEADERS: Final = frozenset({"traceparent", "tracestate", "baggage"})
"""W3C Trace Context and Baggage."""

TURN_HEADER: Final = "turn"
"""Our own header: the place in the author's line. Who else writes it means another place: theirs is not sent again."""

Headers = list[tuple[str, bytes | None]]
StoredHeaders = list[list[Any]]


def capture_headers(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """The original record's key and headers in JSON."""
    return {
        "original_key": encode_bytes(key),
        "original_headers": [[clean(name), encode_bytes(value)] for name, value in headers],
    }


def capture_source(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """What a thought keeps of the record that brought it."""
    kept = capture_headers(key, headers)
    traces = [pair for pair in kept["original_headers"] if pair[0].lower() in TRACING_HEADERS and pair[1] is not None]
    return kept | ({"tracing": traces} if traces else {})


def restore_headers(kept: Mapping[str, Any], turn: int | None) -> Headers:
    """The headers of a record that is written to Kafka again: as they were, and the thought's turn if it has one."""
    found: Headers = [(name, decode_bytes(value)) for name, value in kept.get("original_headers") or []]
    if turn is None:
        return found
    return [(TURN_HEADER, str(turn).encode()), *(pair for pair in found if pair[0] != TURN_HEADER)]


def restore_key(kept: Mapping[str, Any]) -> bytes | None:
    """The key of the original record."""
    return decode_bytes(kept.get("original_key"))


def encode_bytes(value: bytes | None) -> str | None:
    """Bytes as JSON has them."""
    return None if value is None else base64.b64encode(value).decode()


def decode_bytes(value: str | None) -> bytes | None:
    """Bytes as Kafka has them."""
    return None if value is None else base64.b64decode(value)
