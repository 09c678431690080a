"""News of ended thoughts, from the workers over Redis pub/sub: a reason to look at a user's line at once.

News may be lost, late or false; without any, a lane looks again by itself every few seconds.
"""

import logging
import threading
import time
from collections import deque
from typing import Final
from uuid import UUID

import redis

from contracts.progress import wakeup_channel

log = logging.getLogger(__name__)

QUEUE_SIZE: Final = 10_000
RECONNECT_SECONDS: Final = 1.0
IDLE_TIMEOUT_SECONDS: Final = 5.0
"""A connection that answered no ping for this long is dead, whatever TCP believes."""


class WakeupListener:
    """Listens in a thread of its own; the bridge's loop takes what has come."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._channel = wakeup_channel(prefix)
        self._users: deque[UUID] = deque(maxlen=QUEUE_SIZE)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="news", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the thread ends within a second."""
        self._stopped.set()

    def drain(self) -> set[UUID]:
        """The users of whom something was heard since the last call."""
        heard: set[UUID] = set()
        while self._users:
            heard.add(self._users.popleft())
        return heard

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._receive()
            except Exception as away:  # noqa: BLE001  a loop that ends would leave the bridge deaf for good
                log.warning("Redis is away, no news of ended thoughts: %s", type(away).__name__)
                self._stopped.wait(RECONNECT_SECONDS)

    def _receive(self) -> None:
        client = redis.Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=2, socket_keepalive=True)
        with client, client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            heard = time.monotonic()
            while not self._stopped.is_set():
                message = subscription.get_message(timeout=1.0)
                if message is not None:
                    heard = time.monotonic()
                    if message["type"] == "message":
                        self._add(message["data"])
                elif time.monotonic() - heard > IDLE_TIMEOUT_SECONDS:
                    raise redis.ConnectionError("Redis has stopped answering")
                else:
                    subscription.ping()

    def _add(self, data: bytes) -> None:
        try:
            self._users.append(UUID(data.decode()))
        except (ValueError, UnicodeDecodeError):
            log.warning("News that is no user's id was ignored.")
