"""Turns e-mail addresses into keyed hashes, so that neither Redis nor a cookie tells who has an account."""

import hmac
import unicodedata
from typing import Final

from webapp.services import services

_LENGTH: Final = 32
"""Characters of a hash: 128 bits."""


def counter_hash(email: str) -> str:
    """Return the hash of an e-mail address as it is typed, for a counter: equal for all its spellings (`folded`)."""
    return _keyed_hash(folded(email))


def exact_hash(email: str) -> str:
    """Return the hash of an e-mail address for what its owner alone may have: equal but for upper and lower case.

    The owner of an address that only folds to another one must not count as the owner of that one.
    """
    return _keyed_hash(email.strip().lower())


def _keyed_hash(value: str) -> str:
    """Return the hash. Computing it needs SECRET_KEY."""
    key = f"e-mail address in a limit: {services().settings.require_secret_key()}".encode()
    return hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:_LENGTH]


def folded(email: str) -> str:
    """Return a form that is equal for all spellings that PostgreSQL's lower() takes for the same address.

    Otherwise each spelling would have a counter of its own. It is also equal for some addresses that differ, such as
    those with and without an accent, which share their limit.
    """
    decomposed = unicodedata.normalize("NFKD", email.strip())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
