"""What PostgreSQL's text and jsonb refuse, found or taken out before any statement: NUL, lone surrogates, NaN.

A value that PostgreSQL refuses must not be taken for an outage, or one thought would hold its slot for ever.
"""

import math
from typing import Any

MAX_THOUGHT_LENGTH = 10_000
"""The most characters a thought may have after trimming."""


def clean(value: Any) -> Any:
    """A copy of a JSON-like value that PostgreSQL stores: bad characters become U+FFFD, NaN and infinities None.

    The way through UTF-16 joins two surrogates that belong together (a careless decoder's emoji) to their character.
    """
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {clean(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def thought_text(value: str) -> str:
    """The trimmed text of a thought.

    Raises ValueError, in words for its author, when it is empty, too long, or has characters that cannot be kept.
    """
    trimmed = value.strip()
    if not trimmed:
        raise ValueError("the text is empty")
    if len(trimmed) > MAX_THOUGHT_LENGTH:
        raise ValueError(f"the text has {len(trimmed):,} characters; the most is {MAX_THOUGHT_LENGTH:,}")
    if clean(trimmed) != trimmed:
        raise ValueError("the text has a NUL or a broken character that cannot be stored")
    return trimmed
