"""Receives partial texts from a real Redis, and publishes them there as a worker does."""

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import redis

from contracts.progress import connect_redis, publish_partial_texts
from contracts.settings import Settings
from tasks.partial_text import PartialTextPublisher


@contextmanager
def received_texts(client: redis.Redis, settings: Settings) -> Iterator["queue.Queue[str]"]:
    """Yield a queue of the texts that arrive at the channels of all users of these settings."""
    texts: queue.Queue[str] = queue.Queue()
    stop = threading.Event()
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.psubscribe(f"{settings.redis_prefix}:*")
    pubsub.get_message(timeout=10)

    def read() -> None:
        while not stop.is_set():
            message = pubsub.get_message(timeout=0.1)
            if message and b"agent_progress" in message["data"]:
                texts.put(message["data"].decode())

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read)
        try:
            yield texts
        finally:
            stop.set()
    pubsub.close()


def on_redis(url: str, settings: Settings, pauses: "queue.Queue[float] | None" = None) -> PartialTextPublisher:
    """Return a publisher for a Redis. Its rounds have no pause when `pauses` is given; it gets each pause's seconds."""
    publish = partial(publish_partial_texts, connect_redis(url), settings.redis_prefix)
    if pauses is None:
        return PartialTextPublisher(publish)
    return PartialTextPublisher(publish, sleep=pauses.put)
