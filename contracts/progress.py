"""-> Redis -> browser: where a user's events are published, and flask-sse's wire format with the stream's id in it.

One script adds the event to the user's Redis stream (for replay by Last-Event-ID), publishes it with the id that the
stream gave it, and, for a terminal event, tells the bridges. All of it is a hint: PostgreSQL can always be asked.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.events import Event

log = logging.getLogger(__name__)

MAX_STREAM_LENGTH: Final = 200
"""About how many events of a user can be replayed: some 25 thoughts."""

STREAM_TTL_SECONDS: Final = 3600
"""How long a silent user's events can be replayed; afterwards the stream starts with a snapshot."""

MAX_CONNECTIONS: Final = 50
"""Of one client; each is taken for the milliseconds of a call."""

_PUBLISH: Final = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'message', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], string.sub(ARGV[3], 1, -2) .. ',"id":"' .. id .. '"}')
if ARGV[5] then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
return id
"""


def channel(prefix: str, user_id: UUID | str) -> str:
    """The pub/sub channel of a user's events."""
    return f"{prefix}:{user_id}"


def stream_key(prefix: str, user_id: UUID | str) -> str:
    """The Redis stream that keeps a user's latest events; its field `message` has the wire format without the id."""
    return f"{prefix}:{user_id}:events"


def wakeup_channel(prefix: str) -> str:
    """The channel on which the workers tell the bridges whose thought has ended; a message is a user's id."""
    return f"{prefix}:terminal"


def wire_message(event: Event) -> str:
    """flask-sse's JSON of an event, `{"data": ..., "type": ...}`; the stream adds its id."""
    return json.dumps({"data": event.to_dict(), "type": event.event_type}, separators=(",", ":"))


def connect_redis(url: str) -> redis.Redis:
    """A client whose calls end within seconds: progress waits for nobody.

    One repeat, for a pooled connection that Redis has closed; redis-py's own default is ten with growing waits. None
    after a time-out: redis-py repeats the handshake and the call, so that one repeat each would make 12 s of 3.
    Who finds all connections taken waits for one: redis-py's usual pool would say that Redis is unavailable.
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
PAUSE_SECONDS: Final = 5.0


class ProgressPublisher:
    """Publishes events of thoughts. A Redis that is away raises nothing: PostgreSQL has the state.

    A Redis that hangs costs its time-out once in QUIET_SECONDS and not at every event: progress holds up nobody's work.
    """

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._prefix = prefix
        self._redis = client
        self._script = client.register_script(_PUBLISH)
        self._paused_until = 0.0

    def publish(self, event: Event, *, terminal: bool = False) -> None:
        """Send one event to its user; `ended` also tells the bridges to look at that user's line."""
        keys = [stream_key(self._prefix, event.user_id)]
        args: list[Any] = [
            MAX_STREAM_LENGTH,
            STREAM_TTL_SECONDS,
            wire_message(event),
            channel(self._prefix, event.user_id),
        ]
        if terminal:
            args += [wakeup_channel(self._prefix), str(event.user_id)]
        what = f"{event.event_type} of {event.thought_id} was not shown live"
        self._call_unless_paused(lambda: self._script(keys=keys, args=args), what)

    def delete_history(self, user_id: UUID) -> None:
        """Drop what is kept of a user's events, and tell the bridges to look at that user's line.

        Where Redis is unavailable the events go after STREAM_SECONDS, and the bridges look by themselves.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(stream_key(self._prefix, user_id))
        pipeline.publish(wakeup_channel(self._prefix), str(user_id))
        self._call_unless_paused(pipeline.execute, f"the events of {user_id} are kept for a while")

    def _call_unless_paused(self, call: Callable[[], object], what: str) -> None:
        begun = time.monotonic()
        if begun < self._paused_until:
            return
        try:
            call()
        except redis.RedisError as away:
            if time.monotonic() - begun > SLOW_CALL_SECONDS:
                self._paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning("Redis is unavailable, %s: %s", what, away)
