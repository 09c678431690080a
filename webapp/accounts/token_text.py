"""The text of an API token: a prefix by which secret scanners find it, 256 random bits, and a checksum.

The checksum tells a token that was copied wrongly from one that has expired, without a query. It protects nothing.
"""

import re
import zlib
from secrets import token_hex
from typing import Final

from webapp.accounts.secrets import TOKEN_BYTES

PREFIX: Final = "tht_"

TOKEN_PATTERN: Final = re.compile(PREFIX + "([0-9a-f]{64})([0-9a-f]{8})")
"""What a secret scanner searches for: letters and digits only, so that a double click selects the whole token."""


def new_token_text() -> str:
    """Return a new API token."""
    secret = token_hex(TOKEN_BYTES)
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(written: str) -> bool:
    """Return whether this can be a token of this site. The text may contain any character."""
    parts = TOKEN_PATTERN.fullmatch(written)
    return parts is not None and _checksum(parts[1]) == parts[2]


def _checksum(secret: str) -> str:
    return f"{zlib.crc32(secret.encode()):08x}"
