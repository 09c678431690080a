"""Hashes and verifies passwords with argon2id, in threads: a hash takes tens of milliseconds of one core, during which
a greenlet would hold up all others."""

from collections.abc import Callable
from typing import Final, TypeVar

import gevent
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD_LENGTH: Final = 12
MAX_PASSWORD_LENGTH: Final = 200
"""Characters. The least is what OWASP ASVS 5 recommends beyond its required 8; longer ones only cost time."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The parameters of OWASP's password storage cheat sheet: 19 MiB and two passes."""

_NOBODYS_HASH: Final = _HASHER.hash("no password has this hash, because it contains a \n")
"""Is verified when an e-mail address is unknown, so that the answer takes as long as for a known one."""

Result = TypeVar("Result")


def hash_password(password: str) -> str:
    """Return the hash of a password, with its parameters and salt."""
    return _in_thread(lambda: _HASHER.hash(password))


def is_correct(password: str, stored_hash: str | None) -> bool:
    """Return whether the password has this hash. None takes as long and is always false."""
    is_equal = _in_thread(lambda: _verify(stored_hash or _NOBODYS_HASH, password))
    return is_equal and stored_hash is not None


def is_outdated(stored_hash: str) -> bool:
    """Return whether a hash was made with other parameters than the present ones."""
    return _HASHER.check_needs_rehash(stored_hash)


def _verify(stored_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_thread(call: Callable[[], Result]) -> Result:
    result: Result = gevent.get_hub().threadpool.apply(call)
    return result
