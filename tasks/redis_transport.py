"""kombu's Redis transport, with one publishing client per channel and without transactions around acknowledgements.

kombu creates a new `redis.Redis` over the same pool for every publish and every acknowledgement, and wraps the two
commands that record a message as unacknowledged, or remove it, in MULTI and EXEC. Each of the two took about a sixth
of the worker's CPU time. The two commands still go out in one write. If Redis dies between them, a message is at worst
delivered twice or lost, which the claim in PostgreSQL and the redelivery after the lease make harmless.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis
from redis import exceptions


class QoS(redis.QoS):
    """The messages that were received and are not yet acknowledged."""

    @contextmanager
    def pipe_or_acquire(self, pipe: Any = None, client: Any = None) -> Iterator[Any]:
        """Yield the caller's pipeline, or a new pipeline that is not a transaction."""
        if pipe:
            yield pipe
            return
        with self.channel.conn_or_acquire(client) as acquired:
            yield acquired.pipeline(transaction=False)


class Channel(redis.Channel):
    """A channel that keeps one publishing client for as long as its pool; a worker's threads may share both."""

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
        """Return whether the channel's connection is open. On a closed one kombu would raise AttributeError, which ends
        the worker; the ConnectionError above makes Celery reconnect."""
        return self.connection.client is not None


class Transport(redis.Transport):
    """The transport named by `broker_transport` where the broker is a single Redis server."""

    Channel = Channel
