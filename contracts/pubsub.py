"""Redis pub/sub -> a listener: receives messages, detects dead connections and reconnects.

Pub/sub messages are only hints: they may be late, duplicated or lost. The receiver always checks PostgreSQL.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis


def receive(
    pubsub: Any, stop: threading.Event, *, ping_seconds: float, idle_timeout: float
) -> Iterator[dict[str, Any] | None]:
    """Yield each message of redis-py's `pubsub`, and None after every `ping_seconds` without one, until `stop` is set.

    Each None is preceded by a ping. Raises redis.ConnectionError when nothing, not even the answer to a ping, arrived
    for `idle_timeout` seconds: such a connection is dead although TCP still reports it as open.
    """
    received_at = time.monotonic()
    while not stop.is_set():
        message = pubsub.get_message(timeout=ping_seconds)
        if message is not None:
            received_at = time.monotonic()
        elif time.monotonic() - received_at > idle_timeout:
            raise redis.ConnectionError(f"Redis has not answered for {idle_timeout:g} s")
        else:
            pubsub.ping()
        yield message


def keep_listening(
    listen: Callable[[], None], stop: threading.Event, *, on_disconnect: Callable[[Exception], float]
) -> None:
    """Call `listen` repeatedly until `stop` is set. `listen` returns only when it has to stop.

    `on_disconnect` receives the error that ended `listen` and returns the seconds to wait before the next call.
    """
    while not stop.is_set():
        try:
            listen()
        except Exception as error:  # noqa: BLE001  the poll loop's boundary: an ended listener would miss all messages
            stop.wait(on_disconnect(error))
