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

from contracts.progress import news_channel

log = logging.getLogger(__name__)

KEPT: Final = 10_000
RECONNECT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 5.0
"""A connection that answered no ping for this long is dead, whatever TCP believes."""


class News:
    """Listens in a thread of its own; the bridge's loop takes what has come."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._channel = news_channel(prefix)
        self._heard: deque[UUID] = deque(maxlen=KEPT)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="news", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the thread ends within a second."""
        self._stopped.set()

    def take(self) -> set[UUID]:
        """The users of whom something was heard since the last call."""
        heard: set[UUID] = set()
        while self._heard:
            heard.add(self._heard.popleft())
        return heard

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._hear()
            except Exception as away:  # noqa: BLE001  a loop that ends would leave the bridge deaf for good
                log.warning("Redis is away, no news of ended thoughts: %s", type(away).__name__)
                self._stopped.wait(RECONNECT_SECONDS)

    def _hear(self) -> None:
        client = redis.Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=2, socket_keepalive=True)
        with client, client.pubsub() as subscription:
            subscription.subscribe(self._channel)
            heard = time.monotonic()
            while not self._stopped.is_set():
                message = subscription.get_message(timeout=1.0)
                if message is not None:
                    heard = time.monotonic()
                    if message["type"] == "message":
                        self._note(message["data"])
                elif time.monotonic() - heard > SILENCE_SECONDS:
                    raise redis.ConnectionError("Redis has stopped answering")
                else:
                    subscription.ping()

    def _note(self, data: bytes) -> None:
        try:
            self._heard.append(UUID(data.decode()))
        except (ValueError, UnicodeDecodeError):
            log.warning("News that is no user's id was ignored.")
