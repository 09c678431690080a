"""Wake-ups: workers publish the user of each finished thought over Redis pub/sub, and lanes poll that user's line.

A wake-up is only a hint, and may be late, duplicated or lost. Without wake-ups a lane polls every few seconds.
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
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

QUEUE_SIZE: Final = 10_000
"""Wake-ups that wait for the loop. After that the oldest one is dropped."""

RECONNECT_SECONDS: Final = 1.0
"""Delay before a lost connection is replaced."""

PING_SECONDS: Final = 1.0
"""Interval between pings on an idle connection."""

IDLE_TIMEOUT_SECONDS: Final = 5.0
"""A connection that answers no ping for this long is replaced."""


class WakeupListener:
    """Receives wake-ups in its own thread and queues them for the bridge's loop."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._channel = wakeup_channel(prefix)
        self._users: deque[UUID] = deque(maxlen=QUEUE_SIZE)
        self._stop = threading.Event()
        listen = partial(keep_listening, self._listen, self._stop, on_disconnect=self._on_disconnect)
        self._thread = threading.Thread(target=listen, name="wakeups", daemon=True)

    def start(self) -> None:
        """Start the listening thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to stop, without waiting for it. It stops within PING_SECONDS."""
        self._stop.set()

    def drain(self) -> set[UUID]:
        """Return the users that wake-ups have named since the last call."""
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
        log_trouble(log, redis_trouble(error), "lanes poll until it answers")
        return RECONNECT_SECONDS

    def _add(self, data: bytes) -> None:
        try:
            self._users.append(UUID(data.decode()))
        except (ValueError, UnicodeDecodeError):
            log.warning("A wake-up is ignored because it is not a user id.")
