"""One Redis subscription for all streams of a process.

One thread owns the subscription and sends every SUBSCRIBE and UNSUBSCRIBE, because redis-py's PubSub supports only one
writer. A stream that subscribes or unsubscribes wakes the thread through the hub's control channel. Under gevent the
thread is a greenlet.
"""

import contextlib
import logging
import threading
from typing import Any
from uuid import uuid4

import redis

from contracts.pubsub import keep_listening, receive
from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from webapp.hub.sse import parse_message
from webapp.hub.subscription import Subscription

log = logging.getLogger(__name__)

PING_INTERVAL_SECONDS = 5.0
IDLE_TIMEOUT_SECONDS = 12.0
"""A connection without an answer to a ping for this long is dead, even when TCP has not noticed."""

MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 0.2, 2.0


class Hub:
    """Distributes each message of a channel to the subscriptions of that channel."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._control_channel = f"{prefix}:hub:{uuid4()}"
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._requested: set[str] = set()
        self._confirmed: set[str] = set()
        self._lock = threading.Lock()
        self._has_changes = threading.Event()
        self._closing = threading.Event()
        self._is_connected = False
        self._reconnect_delay = MIN_RECONNECT_SECONDS
        self._thread: threading.Thread | None = None

    @property
    def is_connected(self) -> bool:
        """Whether Redis is available. While it is not, the streams poll PostgreSQL more often."""
        return self._is_connected

    def start(self) -> None:
        """Connect in the background. Calling it again is harmless."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
                self._thread.start()

    def subscribe(self, channel: str) -> Subscription:
        """Return a new subscription, which starts to receive messages when Redis has confirmed the channel."""
        subscription = Subscription(channel)
        with self._lock:
            self._subscriptions.setdefault(channel, set()).add(subscription)
            if channel in self._confirmed:
                subscription.confirm()
            if self._closing.is_set():
                subscription.close()
        self._wake_thread()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription. After the last one of a channel, Redis's subscription ends as well."""
        with self._lock:
            remaining = self._subscriptions.get(subscription.channel, set())
            remaining.discard(subscription)
            if remaining:
                return
            self._subscriptions.pop(subscription.channel, None)
        self._wake_thread()

    def close(self) -> None:
        """End every stream and the hub's thread."""
        self._closing.set()
        for subscription in self._all():
            subscription.close()
        self._wake_thread()

    def _wake_thread(self) -> None:
        self._has_changes.set()
        if self._is_connected:
            with contextlib.suppress(redis.RedisError):  # the thread notices the same error and reconnects
                self._client.publish(self._control_channel, "")

    def _all(self) -> list[Subscription]:
        with self._lock:
            return [subscription for group in self._subscriptions.values() for subscription in group]

    def _run(self) -> None:
        keep_listening(self._listen, self._closing, on_disconnect=self._on_disconnect)

    def _listen(self) -> None:
        with self._client.pubsub() as pubsub:
            self._has_changes.set()
            pubsub.subscribe(self._control_channel)
            self._update_subscriptions(pubsub)
            for message in receive(
                pubsub, self._closing, ping_seconds=PING_INTERVAL_SECONDS, idle_timeout=IDLE_TIMEOUT_SECONDS
            ):
                if message is not None:
                    self._handle(message)
                self._update_subscriptions(pubsub)

    def _update_subscriptions(self, pubsub: Any) -> None:
        """Send SUBSCRIBE and UNSUBSCRIBE for the channels that were added or removed."""
        if not self._has_changes.is_set():
            return
        self._has_changes.clear()
        with self._lock:
            channels = set(self._subscriptions)
            added, removed = channels - self._requested, self._requested - channels
            self._confirmed -= removed
            self._requested = channels
        if removed:
            pubsub.unsubscribe(*removed)
        if added:
            pubsub.subscribe(*added)

    def _handle(self, message: dict[str, Any]) -> None:
        channel = (message["channel"] or b"").decode()
        if message["type"] == "subscribe":
            self._confirm(channel)
        elif message["type"] == "message" and channel != self._control_channel:
            self._deliver(channel, message["data"])

    def _confirm(self, channel: str) -> None:
        if channel == self._control_channel:
            self._is_connected = True
            return
        with self._lock:
            if channel not in self._requested:
                return
            self._confirmed.add(channel)
            for subscription in self._subscriptions.get(channel, ()):
                subscription.confirm()

    def _deliver(self, channel: str, payload: bytes) -> None:
        try:
            message = parse_message(payload)
        except ValueError as error:
            log.warning("An invalid message is dropped: %s", error, extra={"channel": channel})
            return
        with self._lock:
            for subscription in self._subscriptions.get(channel, ()):
                subscription.offer(message)

    def _on_disconnect(self, error: Exception) -> float:
        """Report a gap to every stream. Return the seconds until the next attempt, doubled after each failed one."""
        was_connected = self._is_connected
        if was_connected and not self._closing.is_set():
            log_trouble(log, redis_trouble(error), "the streams poll PostgreSQL until it is back")
        with self._lock:
            self._is_connected = False
            self._requested, self._confirmed = set(), set()
        for subscription in self._all():
            subscription.report_gap()
        self._reconnect_delay = (
            MIN_RECONNECT_SECONDS if was_connected else min(2 * self._reconnect_delay, MAX_RECONNECT_SECONDS)
        )
        return self._reconnect_delay
