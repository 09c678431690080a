"""-> Redis -> browser: publishes a user's events in flask-sse's wire format, with the Redis stream's id added.

One script adds the event to the user's Redis stream (for resuming with Last-Event-ID), publishes it with the id that
the stream assigned, and, for a terminal event, wakes the bridges. These messages are only hints: the facts are in
PostgreSQL.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.events import Event, ThoughtAgentProgress
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

MAX_STREAM_LENGTH: Final = 200
"""About how many events of a user are kept for resuming: those of some 25 thoughts."""

STREAM_TTL_SECONDS: Final = 3600
"""How long a user's events are kept after the latest one. After that, a resumed stream starts with a snapshot."""

MAX_CONNECTIONS: Final = 50
"""The maximum number of a client's Redis connections. A call occupies one for a few milliseconds."""

_PUBLISH: Final = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'message', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], string.sub(ARGV[3], 1, -2) .. ',"id":"' .. id .. '"}')
if ARGV[5] then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return id
"""


def channel(prefix: str, user_id: UUID | str) -> str:
    """Return the pub/sub channel of a user's events."""
    return f"{prefix}:{user_id}"


def stream_key(prefix: str, user_id: UUID | str) -> str:
    """Return the key of the Redis stream with a user's latest events.

    The entries' field `message` holds the wire format without the id.
    """
    return f"{prefix}:{user_id}:events"


def wakeup_channel(prefix: str) -> str:
    """Return the channel on which workers wake the bridges when a thought has ended; a message is the user's id."""
    return f"{prefix}:terminal"


def publish_partial_texts(client: redis.Redis, prefix: str, texts: Iterable[ThoughtAgentProgress]) -> None:
    """Send partial texts to their users' open streams in one round trip. Redis stores none of them.

    Raises redis.RedisError when Redis is unavailable.
    """
    pipeline = client.pipeline(transaction=False)
    for text in texts:
        pipeline.publish(channel(prefix, text.user_id), _wire_message(text))
    pipeline.execute()


def _wire_message(event: Event | ThoughtAgentProgress) -> str:
    """Return flask-sse's JSON of an event, `{"data": ..., "type": ...}`; the script adds the Redis stream's id."""
    return json.dumps({"data": event.to_dict(), "type": event.event_type}, separators=(",", ":"))


def connect_redis(url: str) -> redis.Redis:
    """Return a client whose calls end within seconds, because progress must not delay any other work.

    A call is retried once, for a pooled connection that Redis has closed; redis-py's default is ten retries with
    growing delays. A timeout is not retried: redis-py repeats both the handshake and the call, so a single retry would
    turn 3 s into 12 s. When all connections are in use, a call waits for one; redis-py's default pool would raise an
    error.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=10,
        socket_timeout=3,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
    return redis.Redis.from_pool(pool)


SLOW_CALL_SECONDS: Final = 0.5
"""A call that fails after more than this counts as slow, and starts a pause."""

PAUSE_SECONDS: Final = 5.0
"""How long nothing is sent to Redis after a slow failed call."""


class ProgressPublisher:
    """Publishes the events of thoughts. It never raises when Redis is unavailable, because PostgreSQL holds the state.

    While Redis hangs, only one call per PAUSE_SECONDS waits for the timeout; the others are skipped, so that progress
    does not delay any other work.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._prefix = prefix
        self._redis = client
        self._script = client.register_script(_PUBLISH)
        self._paused_until = 0.0

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        """Send one event to its user. `terminal` also wakes the bridges, which then poll that user's line."""
        keys = [stream_key(self._prefix, event.user_id)]
        args: list[Any] = [
            MAX_STREAM_LENGTH,
            STREAM_TTL_SECONDS,
            _wire_message(event),
            channel(self._prefix, event.user_id),
        ]
        if terminal:
            args += [wakeup_channel(self._prefix), str(event.user_id)]
        self._call_unless_paused(
            lambda: self._script(keys=keys, args=args),
            consequence=f"the event {event.event_type} is not shown live",
            ids={"thought_id": event.thought_id, "user_id": event.user_id},
        )

    def delete_history(self, user_id: UUID) -> None:
        """Delete the stored events of a user and wake the bridges, which then poll that user's line.

        When Redis is unavailable, the events expire after STREAM_TTL_SECONDS, and the bridges poll anyway.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(stream_key(self._prefix, user_id))
        pipeline.publish(wakeup_channel(self._prefix), str(user_id))
        self._call_unless_paused(
            pipeline.execute,
            consequence=f"the user's stored events expire within {STREAM_TTL_SECONDS} s instead of now",
            ids={"user_id": user_id},
        )

    def _call_unless_paused(self, call: Callable[[], object], *, consequence: str, ids: Mapping[str, UUID]) -> None:
        started = time.monotonic()
        if started < self._paused_until:
            return
        try:
            call()
        except redis.RedisError as error:
            if time.monotonic() - started > SLOW_CALL_SECONDS:
                self._paused_until = time.monotonic() + PAUSE_SECONDS
            log_trouble(log, redis_trouble(error), consequence, extra=ids)
