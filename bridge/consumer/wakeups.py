"""Wake-ups: the workers say over Redis pub/sub whose thought has ended, so that its user's line is polled at once.

A wake-up is only a hint, and may be late, duplicated or lost. Without any, a lane polls every few seconds.
"""

import logging
import threading
from collections import deque
from functools import partial
from typing import Final
from uuid import UUID

import redis

from contracts.progress import wakeup_channel
from contracts.pubsub import keep_listening, receive

log = logging.getLogger(__name__)

QUEUE_SIZE: Final = 10_000
RECONNECT_SECONDS: Final = 1.0
PING_SECONDS: Final = 1.0
IDLE_TIMEOUT_SECONDS: Final = 5.0
"""A connection that answered no ping for this long is dead."""


class WakeupListener:
    """Listens in its own thread; the bridge's loop drains what came."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._channel = wakeup_channel(prefix)
        self._users: deque[UUID] = deque(maxlen=QUEUE_SIZE)
        self._stop = threading.Event()
        listen = partial(keep_listening, self._listen, self._stop, on_disconnect=self._on_disconnect)
        self._thread = threading.Thread(target=listen, name="wakeups", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the thread ends within PING_SECONDS."""
        self._stop.set()

    def drain(self) -> set[UUID]:
        """Return the users who were named since the last call."""
        users: set[UUID] = set()
        while self._users:
            users.add(self._users.popleft())
        return users

    def _listen(self) -> None:
        client = redis.Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=2, socket_keepalive=True)
        with client, client.pubsub() as pubsub:
            pubsub.subscribe(self._channel)
            for message in receive(pubsub, self._stop, ping_seconds=PING_SECONDS, idle_timeout=IDLE_TIMEOUT_SECONDS):
                if message is not None and message["type"] == "message":
                    self._add(message["data"])

    def _on_disconnect(self, error: Exception) -> float:
        log.warning("Redis is unavailable, lanes poll until it answers: %s", type(error).__name__)
        return RECONNECT_SECONDS

    def _add(self, data: bytes) -> None:
        try:
            self._users.append(UUID(data.decode()))
        except (ValueError, UnicodeDecodeError):
            log.warning("Ignored a wake-up that is not a user's id.")
