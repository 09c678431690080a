"""The connections to Redis with which requests are counted: a request waits a few seconds for them at most."""

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

WAIT_SECONDS: Final = 2.0
"""The longest wait for a connection, for a free one of the pool, and for an answer; each step of a handshake is one."""

MAX_CONNECTIONS: Final = 50


def counter_pool(url: str) -> redis.BlockingConnectionPool:
    """Return a pool of connections, not yet connected. A connection that Redis has closed is replaced once."""
    return redis.BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=WAIT_SECONDS,
        socket_timeout=WAIT_SECONDS,
        socket_connect_timeout=WAIT_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
