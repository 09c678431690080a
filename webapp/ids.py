"""Makes the ids of thoughts: ordered by time, or derived from the author and the author's own key. Reads sent ids."""

import hashlib
import re
import secrets
import time
from typing import Final
from uuid import UUID, uuid5

_UUID: Final = re.compile("[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")


def parse_id(value: str) -> UUID:
    """Return the UUID that a client sent. Raises ValueError for anything else.

    Python's UUID also reads signs, underscores, blanks and digits of other scripts, so that a misspelt id, or one with
    an invisible character, would be another user's.
    """
    if not _UUID.fullmatch(value):
        raise ValueError("this is no UUID")
    return UUID(value)


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): 48 bits of milliseconds and 74 random bits. Python has its own from 3.14 on."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def keyed_id(user_id: UUID, key: str) -> UUID:
    """Return the id that this author always gets for this Idempotency-Key."""
    return uuid5(user_id, key)


def form_key(nonce: str, text: str) -> str:
    """Return the key of a submitted form.

    A double click submits the same thought; an edited text is another one.
    """
    return f"form:{nonce}:{hashlib.sha256(text.encode()).hexdigest()}"
