"""Checks that Redis does what this system needs: a write, a publication, a script and a subscription."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import redis

from contracts.model_state import read_states
from contracts.presence import Presence, SeenProcess
from contracts.progress import channel
from contracts.redis_refusals import redis_refusal
from webapp.readiness.probe import CheckError
from webapp.representations import isoformat_utc

KEY_SECONDS: Final = 60
"""How long the key that the check writes is kept."""

SUBSCRIBE_SECONDS: Final = 1.0
"""How long Redis may take to confirm a subscription."""

_SCRIPT: Final = "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return redis.call('PUBLISH', ARGV[3], ARGV[1])"

_TYPES: Final = """
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('XADD', KEYS[1], '*', 'message', '')
redis.call('LPUSH', KEYS[2], '')
redis.call('HSET', KEYS[3], 'field', '')
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
"""
"""Writes what events, Celery's messages and the reports of processes are made of."""


@dataclass(frozen=True, slots=True)
class RedisFindings:
    """What Redis knows of the other processes."""

    processes: tuple[SeenProcess, ...]
    """The processes that reported lately."""
    unavailable_models: tuple[dict[str, Any], ...]
    """Each model whose service is unavailable: model, cause, message and since."""


class RedisCheck:
    """Checks one Redis. `client` is the check's own, so that waiting requests never delay it."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._key = f"{prefix}:health"
        self._keys = [f"{self._key}:{kind}" for kind in ("stream", "list", "hash")]
        self._channel = channel(prefix, "health")
        self._script = client.register_script(_SCRIPT)
        self._types = client.register_script(_TYPES)
        self._presence = Presence(client, prefix)

    def run(self) -> RedisFindings:
        """Do everything once and return the findings. Raises CheckError for the first thing that fails."""
        _attempt("a write", lambda: self._redis.set(self._key, "written", ex=KEY_SECONDS))
        _attempt("a publication", lambda: self._redis.publish(self._channel, "published"))
        _attempt("a script", lambda: self._script([self._key], ["scripted", KEY_SECONDS, self._channel]))
        _attempt("a stream, a list or a hash", lambda: self._types(self._keys))
        _attempt("a subscription", self._subscribe)
        processes = _attempt("reading the reports of the processes", self._presence.read)
        models = _attempt("reading the states of the models", lambda: unavailable_models(self._redis, self._prefix))
        return RedisFindings(tuple(processes), tuple(models))

    def _subscribe(self) -> None:
        """Subscribe and wait for the confirmation."""
        deadline = time.monotonic() + SUBSCRIBE_SECONDS
        with self._redis.pubsub() as subscription:
            subscription.subscribe(self._channel)
            while subscription.get_message(timeout=max(0.0, deadline - time.monotonic())) is None:
                if time.monotonic() > deadline:
                    raise redis.TimeoutError


def check_broker(client: redis.Redis, prefix: str) -> None:
    """Check that Celery's broker, another Redis, takes a write. Raises CheckError."""
    _attempt("a write of messages for the workers", lambda: client.set(f"{prefix}:health", "written", ex=KEY_SECONDS))


def unavailable_models(client: redis.Redis, prefix: str) -> list[dict[str, Any]]:
    """Return each model whose service is unavailable: model, cause, message and since. Raises RedisError."""
    outages = {model: state.outage for model, state in read_states(client, prefix).items() if state.outage is not None}
    return [
        {
            "model": model,
            "cause": outage.cause,
            "message": outage.message,
            "since": isoformat_utc(datetime.fromtimestamp(outage.since, UTC)),
        }
        for model, outage in outages.items()
    ]


def _attempt(purpose: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except redis.RedisError as error:
        raise CheckError(_describe(purpose, error)) from error


def _describe(purpose: str, error: redis.RedisError) -> str:
    if (refusal := redis_refusal(error)) is not None:
        return f"Redis refuses {purpose}: {refusal.cause}."
    if isinstance(error, redis.TimeoutError):
        return "Redis does not answer."
    if isinstance(error, redis.ConnectionError):
        return "Redis is unavailable."
    return f"Redis refuses {purpose} ({type(error).__name__})."
