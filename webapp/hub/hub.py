"""One Redis subscription for all streams of a process.

One thread owns the subscription and alone sends SUBSCRIBE and UNSUBSCRIBE (redis-py's PubSub bears no second writer).
Whoever joins or leaves rings its bell, a channel of its own. Under gevent the thread is a greenlet.
"""

import contextlib
import logging
import threading
import time
from typing import Any
from uuid import uuid4

import redis

from webapp.hub.sse import parse_message
from webapp.hub.subscription import Subscription

log = logging.getLogger(__name__)

PING_INTERVAL_SECONDS = 5.0
IDLE_TIMEOUT_SECONDS = 12.0
"""A connection that answered no ping for this long is dead, whatever TCP believes."""

MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 0.2, 2.0


class Hub:
    """Spreads what is published to a channel over the subscriptions of that channel."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._control_channel = f"{prefix}:hub:{uuid4()}"
        self._joined: dict[str, set[Subscription]] = {}
        self._subscribed: set[str] = set()
        self._confirmed: set[str] = set()
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._connected = False
        self._last_message_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Whether Redis answers; while it does not, the streams ask PostgreSQL more often."""
        return self._connected

    def start(self) -> None:
        """Connect in the background; may be called again."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
                self._thread.start()

    def join(self, channel: str) -> Subscription:
        """A subscription that may begin once Redis has acknowledged the channel."""
        subscription = Subscription(channel)
        with self._lock:
            self._joined.setdefault(channel, set()).add(subscription)
            if channel in self._confirmed:
                subscription.confirm()
            if self._closing.is_set():
                subscription.close()
        self._notify()
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscription; the last one of a channel ends Redis's subscription too."""
        with self._lock:
            others = self._joined.get(subscription.channel, set())
            others.discard(subscription)
            if others:
                return
            self._joined.pop(subscription.channel, None)
        self._notify()

    def close(self) -> None:
        """End every stream and the thread."""
        self._closing.set()
        for subscription in self._all():
            subscription.close()
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        if self._connected:
            with contextlib.suppress(redis.RedisError):  # the thread will notice the same and start anew
                self._client.publish(self._control_channel, "")

    def _all(self) -> list[Subscription]:
        with self._lock:
            return [subscription for joined in self._joined.values() for subscription in joined]

    def _run(self) -> None:
        pause = MIN_RECONNECT_SECONDS
        while not self._closing.is_set():
            try:
                with self._client.pubsub() as pubsub:
                    self._listen(pubsub)
            except Exception as lost:  # noqa: BLE001 - the loop of the process's one subscription must go on
                pause = MIN_RECONNECT_SECONDS if self._connected else min(2 * pause, MAX_RECONNECT_SECONDS)
                self._on_disconnect(lost)
                self._closing.wait(pause)

    def _listen(self, pubsub: Any) -> None:
        self._changed.set()
        self._last_message_at = time.monotonic()
        pubsub.subscribe(self._control_channel)
        while not self._closing.is_set():
            if self._changed.is_set():
                self._update_subscriptions(pubsub)
            message = pubsub.get_message(timeout=PING_INTERVAL_SECONDS)
            if message is not None:
                self._last_message_at = time.monotonic()
                self._handle(message)
            elif time.monotonic() - self._last_message_at > IDLE_TIMEOUT_SECONDS:
                raise redis.ConnectionError("Redis has stopped answering")
            else:
                pubsub.ping()

    def _update_subscriptions(self, pubsub: Any) -> None:
        """Bring Redis's subscriptions in line with what is joined."""
        self._changed.clear()
        with self._lock:
            wanted = set(self._joined)
            new, gone = wanted - self._subscribed, self._subscribed - wanted
            self._confirmed -= gone
            self._subscribed = wanted
        if gone:
            pubsub.unsubscribe(*gone)
        if new:
            pubsub.subscribe(*new)

    def _handle(self, message: dict[str, Any]) -> None:
        channel = (message["channel"] or b"").decode()
        if message["type"] == "subscribe":
            self._confirm(channel)
        elif message["type"] == "message" and channel != self._control_channel:
            self._deliver(channel, message["data"])

    def _confirm(self, channel: str) -> None:
        if channel == self._control_channel:
            self._connected = True
            return
        with self._lock:
            if channel not in self._subscribed:
                return
            self._confirmed.add(channel)
            for subscription in self._joined.get(channel, ()):
                subscription.confirm()

    def _deliver(self, channel: str, payload: bytes) -> None:
        try:
            message = parse_message(payload)
        except ValueError as unreadable:
            log.warning("dropped an unreadable message on %s: %s", channel, unreadable)
            return
        with self._lock:
            for subscription in self._joined.get(channel, ()):
                subscription.offer(message)

    def _on_disconnect(self, why: Exception) -> None:
        if self._connected and not self._closing.is_set():
            log.warning("Redis is away, the streams ask PostgreSQL until it is back: %s", why)
        with self._lock:
            self._connected = False
            self._subscribed, self._confirmed = set(), set()
        for subscription in self._all():
            subscription.report_gap()
