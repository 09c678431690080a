"""kombu's transport for Redis, with one client a channel, and its notes of what is unacknowledged in no transactions.

kombu makes a new `redis.Redis` over the same pool for every publish and every acknowledgement, and sends MULTI and EXEC
around the two commands that note each message and its acknowledgement. Each took about a sixth of the worker's
processor time. The two commands still go out in one write; what a Redis that dies between them forgets or keeps costs
no more than a message that comes twice or not at all, which PostgreSQL's word makes up for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis
from redis import exceptions


class QoS(redis.QoS):
    """The messages taken and not yet acknowledged."""

    @contextmanager
    def pipe_or_acquire(self, pipe: Any = None, client: Any = None) -> Iterator[Any]:
        """A pipeline of commands: the caller's own, or one that is no transaction."""
        if pipe:
            yield pipe
            return
        with self.channel.conn_or_acquire(client) as acquired:
            yield acquired.pipeline(transaction=False)


class Channel(redis.Channel):
    """A channel that keeps its publishing client for as long as its pool; the threads of a worker may share both."""

    QoS = QoS
    _publishing_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        create: Any = super()._create_client
        if asynchronous:
            return create(asynchronous)
        if self._is_open() and (
            self._publishing_client is None or self._publishing_client.connection_pool is not self.pool
        ):
            self._publishing_client = create()
        if self._publishing_client is None:
            raise exceptions.ConnectionError("the connection to the broker is closed")
        return self._publishing_client

    def _is_open(self) -> bool:
        """kombu would trip over a connection that is closed already, and its AttributeError end the worker, where a
        ConnectionError makes Celery connect again."""
        return self.connection.client is not None


class Transport(redis.Transport):
    """What `broker_transport` names where the broker is one Redis."""

    Channel = Channel
