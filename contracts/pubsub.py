"""Redis pub/sub -> a listener: receiving messages, finding out that a connection is dead, and connecting again.

Pub/sub messages are only hints: they may be late, duplicated or lost, and the receiver checks PostgreSQL.
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

    A ping is sent with each None. Raises redis.ConnectionError when nothing, not even the answer to a ping, came for
    `idle_timeout` seconds: such a connection is dead, whatever TCP believes.
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
    """Call `listen`, which returns only when it shall stop, again and again until `stop` is set.

    `on_disconnect` gets the error that ended it and returns the seconds to wait before the next call.
    """
    while not stop.is_set():
        try:
            listen()
        except Exception as error:  # noqa: BLE001  the poll loop's boundary: a listener that ended would stay deaf
            stop.wait(on_disconnect(error))
