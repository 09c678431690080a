"""Reports the items that a worker drops: one log line for each, and a counter that `/metrics` shows."""

import hashlib
import logging
from functools import cached_property

import redis

from contracts.dropped_messages import KINDS, count_dropped
from contracts.progress import connect_redis
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from tasks.broker.items import RefusedItemError

log = logging.getLogger(__name__)


class DroppedItems:
    """Logs and counts. Connects to Redis at the first dropped item."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        self._redis_url = redis_url
        self._prefix = prefix

    @cached_property
    def _client(self) -> redis.Redis:
        return connect_redis(self._redis_url)

    def report(self, source: str, item: bytes, error: RefusedItemError) -> None:
        """Log one line about an item that is dropped, and count it.

        The line has a digest instead of the content, which may be anything: also a person's text or a secret.
        """
        log.error(
            "Dropped an item of %r, because it %s (%s). It has %d bytes and the SHA-256 %s.",
            source,
            KINDS[error.kind],
            error.detail,
            len(item),
            hashlib.sha256(item).hexdigest()[:12],
        )
        try:
            count_dropped(self._client, self._prefix, error.kind)
        except redis.RedisError as unavailable:
            log_trouble(log, redis_trouble(unavailable), "the dropped item is not counted")
