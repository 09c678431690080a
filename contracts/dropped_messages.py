"""worker -> Redis -> web: counts the items of the broker's lists that workers dropped, because they were no messages.

The counter is a hint for operators, so a lost increment is harmless. `/metrics` shows it.
"""

from typing import Final

import redis

KINDS: Final = {
    "not_a_message": "is no Celery message",
    "too_large": "is too large",
    "unknown_task": "names a task that this application does not have",
    "invalid_task": "is no task message of this application",
    "unexpected": "caused an unexpected error",
}
"""The kinds of dropped items, and what the log says about one of a kind."""


def _key(prefix: str) -> str:
    return f"{prefix}:dropped_messages"


def count_dropped(client: redis.Redis, prefix: str, kind: str) -> None:
    """Count one dropped item of a kind. Raises redis.RedisError when Redis is unavailable or the key is no hash."""
    client.hincrby(_key(prefix), kind, 1)


def read_dropped(client: redis.Redis, prefix: str) -> dict[str, int]:
    """Return kind -> items dropped so far, for each of the KINDS; a value that is no number counts as 0.

    Raises redis.RedisError when Redis is unavailable or the key is no hash.
    """
    values = client.hmget(_key(prefix), list(KINDS))
    return dict(zip(KINDS, map(_number, values), strict=True))


def _number(value: bytes | str | None) -> int:
    try:
        return int(value or 0)
    except ValueError:
        return 0
