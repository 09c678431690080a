"""The messages that a worker has received and not yet acknowledged, which kombu keeps in a hash and a sorted set.

Those that stay there for the visibility timeout return to their list. kombu stops at the first entry that it cannot
read, in every sweep and at every start, so one odd entry would keep all others from returning.
"""

import logging
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis
from kombu.utils.json import loads
from redis import exceptions

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from tasks.broker.items import RefusedItemError, check_envelope

log = logging.getLogger(__name__)


_QoS: Any = redis.QoS
"""kombu has a marker for type hints, but none for most methods."""


class QoS(_QoS):  # type: ignore[misc]  # see above
    """The messages that were received and are not yet acknowledged."""

    @contextmanager
    def pipe_or_acquire(self, pipe: Any = None, client: Any = None) -> Iterator[Any]:
        """Yield the caller's pipeline, or a new pipeline that is not a transaction."""
        if pipe:
            yield pipe
            return
        with self.channel.conn_or_acquire(client) as acquired:
            yield acquired.pipeline(transaction=False)

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Return overdue messages to their lists; do nothing while Redis refuses to, because a bridge sends every
        message again when its lease expires. Raises redis.ConnectionError."""
        try:
            super().restore_visible(*args, **kwargs)
        except exceptions.ResponseError as error:
            log_trouble(log, redis_trouble(error), "unacknowledged messages do not return to their lists")

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Return one message to its list, or drop an entry that is no message for a list of this worker's."""

        def restore(pipe: Any) -> None:
            entry = pipe.hget(self.unacked_key, tag)
            pipe.multi()
            self._remove_from_indices(tag, pipe)
            if entry is not None:
                self._restore_entry(entry, pipe, leftmost)

        with self.channel.conn_or_acquire(client) as acquired:
            acquired.transaction(restore, self.unacked_key)

    def _restore_entry(self, entry: bytes, pipe: Any, leftmost: bool) -> None:
        try:
            message, exchange, routing_key = _parse_entry(entry, self.channel.known_queues)
        except RefusedItemError as error:
            self.channel.drop(self.unacked_key, entry, error)
        else:
            self.channel._do_restore_message(message, exchange, routing_key, pipe, leftmost)  # noqa: SLF001


def _parse_entry(entry: bytes, known_queues: Set[str]) -> tuple[dict[str, Any], str, str]:
    """Return the message, its exchange and its routing key. Raises RefusedItemError."""
    try:
        message, exchange, routing_key = loads(entry)
        is_ours = exchange == "" and routing_key in known_queues
    except Exception as error:  # noqa: BLE001  JSON can ask kombu for types whose constructors raise anything
        raise RefusedItemError("not_a_message", f"{type(error).__name__} while it was decoded") from None
    if not is_ours:
        raise RefusedItemError("not_a_message", "it is for no queue of this application")
    check_envelope(message)
    return message, exchange, routing_key
