"""Makes the ids of thoughts: ordered by time, or derived from the author and the author's own key."""

import hashlib
import secrets
import time
from uuid import UUID, uuid5


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
