"""Makes the secrets that a client holds (sign-ins, API tokens, links), and the hashes under which they are stored."""

import hashlib
import secrets
from typing import Final

TOKEN_BYTES: Final = 32
"""256 random bits: nobody guesses them, so a plain hash of them is enough and needs no salt."""


def new_token() -> str:
    """Return a new secret as URL-safe text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """Return what is stored of a token: it cannot be used as a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
