"""Rejects or replaces values that PostgreSQL's text and jsonb cannot store: NUL, lone surrogates, NaN and infinities.

This happens before any statement, because a rejected value that is mistaken for an outage would be retried forever and
its thought would block its user's line. Other control characters, such as the escape of a pasted terminal output, are
kept: they can be stored, and what shows a text makes them harmless.
"""

import math
from typing import Any

from contracts.visible_text import has_visible_character

MAX_THOUGHT_LENGTH = 10_000
"""The maximum length of a thought in characters, without surrounding white space."""

INVISIBLE = "the text has no visible character; write at least one"


def clean(value: Any) -> Any:
    """Return a copy of a JSON-like value that PostgreSQL can store.

    NUL and lone surrogates become U+FFFD, NaN and infinities become None. Encoding through UTF-16 joins a surrogate
    pair, which some decoders leave in place of an emoji, into its character.
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
    """Return the text of a new thought without surrounding white space; all other characters are kept.

    Raises ValueError, with a message for the author, when the text is empty or invisible, too long, or contains
    characters that cannot be stored.
    """
    text = storable_text(value)
    if not has_visible_character(text):
        raise ValueError(INVISIBLE)
    return text


def storable_text(value: str) -> str:
    """Return what `thought_text` returns, also for an invisible text, which an earlier version may have accepted.

    Raises ValueError as `thought_text` does.
    """
    trimmed = value.strip()
    if not trimmed:
        raise ValueError("the text is empty; write at least one character")
    if len(trimmed) > MAX_THOUGHT_LENGTH:
        raise ValueError(f"the text has {len(trimmed):,} characters; shorten it to {MAX_THOUGHT_LENGTH:,} or fewer")
    if clean(trimmed) != trimmed:
        raise ValueError("the text contains a NUL or an invalid character, which cannot be stored; remove it")
    return trimmed
