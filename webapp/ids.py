"""Ids of thoughts: in the order of time, or derived from the author and the author's own key."""

import hashlib
import secrets
import time
from uuid import UUID, uuid5


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds and 74 random bits. Python's own comes with 3.14."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | secrets.randbits(12) << 64
    return UUID(int=value | 0b10 << 62 | secrets.randbits(62))


def keyed_id(user_id: UUID, key: str) -> UUID:
    """The id that the same author always gets for the same Idempotency-Key."""
    return uuid5(user_id, key)


def form_key(nonce: str, text: str) -> str:
    """The key of a form sent by a page: a double click is the same thought, an edited text another."""
    return f"form:{nonce}:{hashlib.sha256(text.encode()).hexdigest()}"
