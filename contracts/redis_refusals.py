"""The reasons for which Redis refuses a command, in one table: what is the cause, and what cures it. Pure."""

from typing import Final, NamedTuple

from redis import exceptions


class RedisRefusal(NamedTuple):
    """One reason for which Redis, although it answers, does not do what it is asked for."""

    kind: type[exceptions.RedisError] | None
    """redis-py's class, whose texts lack the code; None where redis-py has no class."""
    texts: tuple[str, ...]
    """What the text of an error contains: Redis's code, or the words of an error inside a script."""
    cause: str
    """The end of a sentence such as "Redis refuses a write: ..."."""
    cure: str
    """What an operator does."""


LOGIN: Final = RedisRefusal(
    exceptions.AuthenticationError,
    ("WRONGPASS", "NOAUTH"),
    "it does not accept the password",
    "correct the user and the password in REDIS_URL, or in CELERY_BROKER_URL where that is set",
)
RIGHT: Final = RedisRefusal(
    exceptions.NoPermissionError,
    ("NOPERM", "The user executing the script can't", "ACL failure in script"),
    "its ACL does not allow it to this user",
    "allow the user of REDIS_URL its keys, channels and commands, those of scripts too (ACL SETUSER)",
)
"""The last two texts are those of Redis to 7.0, and of Valkey, for a right that a script lacks."""

_REFUSALS: Final = (
    LOGIN,
    RIGHT,
    RedisRefusal(exceptions.ReadOnlyError, ("READONLY",), "it is a read-only replica", "set REDIS_URL to the primary"),
    RedisRefusal(
        exceptions.OutOfMemoryError,
        ("OOM",),
        "it has no memory left",
        "raise its maxmemory, or delete what does not belong to this installation",
    ),
    RedisRefusal(
        exceptions.BusyLoadingError, ("LOADING",), "it is still loading its data", "wait until it has loaded its data"
    ),
    RedisRefusal(None, ("MISCONF",), "it cannot save to its disk", "free its disk, and read its log"),
    RedisRefusal(
        None, ("NOREPLICAS",), "it has too few replicas", "start its replicas, or lower min-replicas-to-write"
    ),
)


def redis_refusal(error: exceptions.RedisError) -> RedisRefusal | None:
    """Return why Redis refused a command, or None when it is unavailable or the reason is not in the table."""
    text = str(error)
    for refusal in _REFUSALS:
        if (refusal.kind and isinstance(error, refusal.kind)) or any(part in text for part in refusal.texts):
            return refusal
    return None
