"""kombu's Redis transport, without transactions around acknowledgements, and not to be stopped by what is in Redis.

kombu creates a new `redis.Redis` over the same pool for every publish and every acknowledgement, and wraps the two
commands that record a message as unacknowledged, or remove it, in MULTI and EXEC. Each of the two took about a sixth
of the worker's CPU time. The two commands still go out in one write. If Redis dies between them, a message is at worst
delivered twice or lost, which the claim in PostgreSQL and the redelivery after the lease make harmless.

An item that is no message is dropped (`tasks.broker.items`), and a command that Redis refuses is repeated after a
pause: kombu raises in both cases, which ends Celery's event loop, and with it the worker or its connection.
"""

import logging
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from functools import partial
from queue import Empty
from typing import Any, Final

from kombu.exceptions import KombuError
from kombu.transport import redis
from redis import exceptions

from contracts.log_throttle import LogThrottle
from contracts.refusals import redis_trouble
from tasks.broker.items import RefusedItemError, check_envelope, parse_item
from tasks.broker.refused_commands import describe_refused_pop
from tasks.broker.unacknowledged import QoS

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0
"""How long a worker asks for no message after Redis has refused a command."""

BROKER_ERRORS: Final = (exceptions.RedisError, OSError, KombuError)
"""What is no fault of an item. kombu also counts KeyError, which an odd item causes."""


_Channel: Any = redis.Channel
"""kombu has a marker for type hints, but none for most methods."""


class Channel(_Channel):  # type: ignore[misc]  # see above
    """A channel that keeps one publishing client for as long as its pool; a worker's threads may share both.

    `on_dropped` receives the name of the list or channel, the item and the reason for each item that is dropped.
    """

    QoS = QoS
    on_dropped: Callable[[str, bytes, RefusedItemError], None] | None = None
    known_queues: Set[str] = frozenset()
    """The queues to whose lists an unacknowledged message may return."""
    from_transport_options = (*_Channel.from_transport_options, "on_dropped", "known_queues")

    is_refused = False
    """Whether Redis has refused the last command, so that this worker receives nothing."""

    _publishing_client: Any = None
    _paused_until = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.throttle = LogThrottle()
        super().__init__(*args, **kwargs)

    @property
    def is_paused(self) -> bool:
        """Whether Redis has just refused a command, so that no message is asked for."""
        return time.monotonic() < self._paused_until

    def drop(self, source: str, item: bytes, error: RefusedItemError) -> None:
        """Report an item that is no longer in Redis and will not be processed."""
        if self.on_dropped is not None:
            self.on_dropped(source, item, error)

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
        """Return whether the channel and its connection are open: a closed channel has no connection any more. On a
        closed one kombu would raise AttributeError, which ends the worker; the ConnectionError above makes Celery
        reconnect, and is logged where a step is acknowledged whose channel was closed meanwhile."""
        return self.connection is not None and self.connection.client is not None

    def _size(self, queue: str) -> int:
        """Return the number of messages, or 0 where Redis does not say: Celery asks once, when it declares a queue."""
        try:
            return int(super()._size(queue))
        except exceptions.ResponseError:
            return 0

    def _brpop_start(self, timeout: float | None = None) -> None:
        if not self.is_paused:
            super()._brpop_start(timeout)

    def _brpop_read(self, **options: Any) -> bool:
        """Read one item and deliver it. Raises Empty without one, and also when it was dropped or Redis refused it."""
        try:
            key, item = self._popped_item(options)
            self._deliver_item(key, item)
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        return True

    def _popped_item(self, options: dict[str, Any]) -> tuple[str, bytes]:
        connection = self.client.connection
        try:
            reply = self.client.parse_response(connection, "BRPOP", **options)
        except exceptions.ResponseError as error:
            self.pause("pop", partial(self._describe_refused_pop, error))
            raise Empty from None
        except self.connection_errors:
            connection.disconnect()
            raise
        if not reply:
            self.is_refused = False
            raise Empty
        key, item = reply
        return key.decode(), item

    def _describe_refused_pop(self, error: exceptions.ResponseError) -> str:
        keys = (self._q_for_pri(queue, step) for queue in self.active_queues for step in self.priority_steps)
        return describe_refused_pop(self._create_client(), [f"{self.global_keyprefix}{key}" for key in keys], error)

    def _deliver_item(self, key: str, item: bytes) -> None:
        source = key.rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(source)
        with self._dropping(source, item):
            message = parse_item(item)
            try:
                self.connection._deliver(message, source)  # noqa: SLF001
                self.is_refused = False
            except exceptions.DataError:
                raise
            except exceptions.ResponseError as error:
                self._return_item(key, item, error)

    def _return_item(self, key: str, item: bytes, error: exceptions.ResponseError) -> None:
        """Put a message back that could not be recorded as unacknowledged, and pause. When Redis refuses this too, the
        message is lost, and a bridge sends it again when the lease expires."""
        self.pause("record", lambda: redis_trouble(error).detail)
        try:
            self._create_client().rpush(key, item)
        except exceptions.ResponseError:
            log.debug("A received message is lost, because Redis refuses to store it again.")

    def pause(self, kind: str, describe: Callable[[], str]) -> None:
        """Ask for no message for PAUSE_SECONDS, and log why at most once per LOG_INTERVAL_SECONDS and kind."""
        self.is_refused, self._paused_until = True, time.monotonic() + PAUSE_SECONDS
        if self.throttle.allow(kind):
            log.error("Redis refuses a command, this worker waits: %s", describe())

    @contextmanager
    def _dropping(self, source: str, item: bytes) -> Iterator[None]:
        """Drop the item when its delivery fails for any reason but the broker's own."""
        try:
            yield
        except RefusedItemError as error:
            self.drop(source, item, error)
        except exceptions.DataError as error:  # redis-py refuses to send what the item says
            self.drop(source, item, RefusedItemError("unexpected", type(error).__name__))
        except BROKER_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001  the boundary of one item: any error would end Celery's event loop
            self.drop(source, item, RefusedItemError("unexpected", type(error).__name__))

    def _receive_one(self, client: Any) -> Any:
        """Receive a broadcast. Raises Empty for one that cannot be decoded."""
        try:
            return super()._receive_one(client)
        except RecursionError:
            self.drop("a broadcast channel", b"", RefusedItemError("not_a_message", "too deeply nested"))
            raise Empty from None

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        with self._dropping(exchange, repr(message).encode()):
            check_envelope(message)
            super()._deliver_fanout_message(message, exchange)
        return True


class Transport(redis.Transport):
    """The transport named by `broker_transport` where the broker is a single Redis server."""

    Channel = Channel
