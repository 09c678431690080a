"""One Redis subscription for all streams of a process.

One thread owns the subscription and alone sends SUBSCRIBE and UNSUBSCRIBE (redis-py's PubSub bears no second writer).
Whoever joins or leaves rings its bell, a channel of its own. Under gevent the thread is a greenlet.
"""

import contextlib
import logging
import threading
from typing import Any
from uuid import uuid4

import redis

from contracts.pubsub import keep_listening, receive
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
        self._pause = MIN_RECONNECT_SECONDS
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
        keep_listening(self._listen, self._closing, on_disconnect=self._on_disconnect)

    def _listen(self) -> None:
        with self._client.pubsub() as pubsub:
            self._changed.set()
            pubsub.subscribe(self._control_channel)
            self._update_subscriptions(pubsub)
            for message in receive(
                pubsub, self._closing, ping_seconds=PING_INTERVAL_SECONDS, idle_timeout=IDLE_TIMEOUT_SECONDS
            ):
                if message is not None:
                    self._handle(message)
                self._update_subscriptions(pubsub)

    def _update_subscriptions(self, pubsub: Any) -> None:
        """Bring Redis's subscriptions in line with what is joined."""
        if not self._changed.is_set():
            return
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

    def _on_disconnect(self, error: Exception) -> float:
        """Report a gap to every stream; returns the seconds before the next connection, doubled after each failure."""
        was_connected = self._connected
        if was_connected and not self._closing.is_set():
            log.warning("Redis is unavailable, the streams poll PostgreSQL until it answers: %s", error)
        with self._lock:
            self._connected = False
            self._subscribed, self._confirmed = set(), set()
        for subscription in self._all():
            subscription.report_gap()
        self._pause = MIN_RECONNECT_SECONDS if was_connected else min(2 * self._pause, MAX_RECONNECT_SECONDS)
        return self._pause
