"""Says why Redis refuses to hand out a message, and what to do."""

from collections.abc import Iterable
from typing import Final

import redis
from redis.utils import str_if_bytes

from contracts.refusals import redis_trouble

NOT_A_LIST: Final = "the key {key!r} of the broker is a {kind} and not a list; look at it, then delete or rename it"


def describe_refused_pop(client: redis.Redis, keys: Iterable[str], error: redis.ResponseError) -> str:
    """Return one line: the keys of the wrong type, or else Redis's message with the missing right."""
    wrong_keys = list(_wrong_keys(client, keys)) if str(error).startswith("WRONGTYPE") else []
    return "; ".join(wrong_keys) or redis_trouble(error).detail


def _wrong_keys(client: redis.Redis, keys: Iterable[str]) -> Iterable[str]:
    for key in keys:
        try:
            kind = str_if_bytes(client.type(key))
        except redis.RedisError:
            continue
        if kind not in {"list", "none"}:
            yield NOT_A_LIST.format(key=key, kind=kind)
