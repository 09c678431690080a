"""Redis as Flask-Limiter's storage, with a bound on what one request waits for all of its counters together."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import redis
from flask import g
from limits.storage.redis import RedisStorage

MAX_SECONDS_PER_REQUEST: Final = 2.0
"""After this, Redis counts as unavailable for the request. The last call may take WAIT_SECONDS of the pool longer."""

SCHEME: Final = "bounded-redis"

Result = TypeVar("Result")


class BoundedRedisStorage(RedisStorage):
    """Counts in Redis. Errors are raised as StorageError, that of a used up time included."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012  the library's name and type

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return _within_time(lambda: super(BoundedRedisStorage, self).incr(key, expiry, amount))

    def get(self, key: str) -> int:
        return _within_time(lambda: super(BoundedRedisStorage, self).get(key))

    def get_expiry(self, key: str) -> float:
        return _within_time(lambda: super(BoundedRedisStorage, self).get_expiry(key))

    def check(self) -> bool:
        """Return whether Redis answers, but False when the time of the request is used up.

        Flask-Limiter counts again as soon as Redis answers: with one that is slow, a request would never end.
        """
        return _has_time() and _within_time(super().check)


def _within_time(call: Callable[[], Result]) -> Result:
    if not _has_time():
        raise redis.TimeoutError("Redis is too slow to count this request")
    started_at = time.monotonic()
    try:
        return call()
    finally:
        g.seconds_for_limits = _waited() + time.monotonic() - started_at


def _has_time() -> bool:
    return _waited() < MAX_SECONDS_PER_REQUEST


def _waited() -> float:
    waited: float = g.get("seconds_for_limits", 0.0)
    return waited
