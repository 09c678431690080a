"""Another producer's key and headers: a JSON object that is kept with its thought, and what Kafka is told again.

    {"original_key": base64 or null, "original_headers": [[name, base64 or null], ...], "tracing": [[name, base64] ...]}

Header names are text and values any bytes; order and repeats are kept. `tracing` is there when there are any of
TRACING: those go on with everything that is told of the thought.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from contracts.text import clean

TRACING: Final = frozenset({"traceparent", "tracestate", "baggage"})
"""W3C Trace Context and Baggage."""

TURN: Final = "turn"
"""Our own header: the place in the author's line. Who else writes it means another place: theirs is not sent again."""

Headers = list[tuple[str, bytes | None]]
Kept = list[list[Any]]


def original(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """The original record's key and headers in JSON."""
    return {
        "original_key": encoded(key),
        "original_headers": [[clean(name), encoded(value)] for name, value in headers],
    }


def foreign(key: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """What a thought keeps of the record that brought it."""
    kept = original(key, headers)
    traces = [pair for pair in kept["original_headers"] if pair[0].lower() in TRACING and pair[1] is not None]
    return kept | ({"tracing": traces} if traces else {})


def headers_again(kept: Mapping[str, Any], turn: int | None) -> Headers:
    """The headers of a record that is written to Kafka again: as they were, and the thought's turn if it has one."""
    found: Headers = [(name, decoded(value)) for name, value in kept.get("original_headers") or []]
    if turn is None:
        return found
    return [(TURN, str(turn).encode()), *(pair for pair in found if pair[0] != TURN)]


def key_again(kept: Mapping[str, Any]) -> bytes | None:
    """The key of the original record."""
    return decoded(kept.get("original_key"))


def encoded(value: bytes | None) -> str | None:
    """Bytes as JSON has them."""
    return None if value is None else base64.b64encode(value).decode()


def decoded(value: str | None) -> bytes | None:
    """Bytes as Kafka has them."""
    return None if value is None else base64.b64decode(value)
