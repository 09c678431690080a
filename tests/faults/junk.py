"""Junk in Redis: items that are no message in the lists of Celery, and keys of the wrong type."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from bridge.consumer.dispatch import Dispatcher
from contracts.installation import installation_key
from contracts.model_state import state_key
from contracts.progress import stream_key
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, key_prefix, queue_keys
from contracts.settings import Settings
from tests.faults.context import FaultContext, settings_of
from tests.running_stack import Stack
from tests.tasks.broker.junk import junk_items
from tests.tasks.broker.messages import example_head

TEMPLATE_PREFIX = "faults-template"
"""Nobody reads messages with this prefix."""

ODD_ENTRIES = (b"buy milk", b"\xff\xfe", b"null", b'["x"]', b'[null, "", "thoughts"]')
"""Entries for the hash of unacknowledged messages. They are due at once."""


def example_message(settings: Settings) -> dict[str, Any]:
    """Return a message as a bridge sends it, of a thought that nobody knows."""
    Dispatcher(settings.model_copy(update={"redis_sse_prefix": TEMPLATE_PREFIX})).send([example_head()])
    with redis.Redis.from_url(settings.broker_url) as client:
        keys = list(client.scan_iter(f"{TEMPLATE_PREFIX}*"))
        items = [item for key in keys if client.type(key) == b"list" for item in client.lrange(key, 0, -1)]
        client.delete(*keys)
    return dict(json.loads(items[0]))


def add_junk(client: redis.Redis, prefix: str, items: dict[str, bytes]) -> int:
    """Add these items to all lists of both queues in turn, and odd entries to the unacknowledged messages.

    Return how many were added in all.
    """
    keys = [key for queue in (THOUGHTS_QUEUE, SOLO_QUEUE) for key in queue_keys(prefix, queue)]
    for number, item in enumerate(items.values()):
        client.rpush(keys[number % len(keys)], item)
    for number, entry in enumerate(ODD_ENTRIES):
        client.hset(f"{key_prefix(prefix)}unacked", f"junk {number}", entry)
        client.zadd(f"{key_prefix(prefix)}unacked_index", {f"junk {number}": 1})
    return len(items) + len(ODD_ENTRIES)


def typed_keys(client: redis.Redis, prefix: str) -> list[str]:
    """Return the keys whose type a fault changes: of the broker, the processes, the models and one person's events."""
    broker = [*queue_keys(prefix, THOUGHTS_QUEUE), *queue_keys(prefix, SOLO_QUEUE)]
    broker += [f"{key_prefix(prefix)}{name}" for name in ("unacked", "unacked_index")]
    streams = [key.decode() for key in client.scan_iter(stream_key(prefix, "*"), count=1000)]
    return [*broker, f"{prefix}:processes", installation_key(prefix), state_key(prefix), *sorted(streams)[:1]]


@contextmanager
def wrong_type(client: redis.Redis, key: str) -> Iterator[None]:
    """Replace a key, and what it holds, by one of another type during the block."""
    is_text = client.type(key) == b"string"
    client.delete(key)
    if is_text:
        client.rpush(key, "junk")
    else:
        client.set(key, "junk")
    try:
        yield
    finally:
        client.delete(key)


def put_junk_into_redis(context: FaultContext) -> str:
    """Add some of the junk items to the lists of Celery."""
    settings = settings_of(context.stack)
    items = junk_items(example_message(settings))
    names = context.rng.sample(sorted(items), 20)
    with _client(context.stack) as client:
        number = add_junk(client, settings.redis_prefix, {name: items[name] for name in names})
    return f"{number} junk items in redis"


def change_type_in_redis(context: FaultContext) -> str:
    """Replace a key by one of the wrong type for a while."""
    prefix = settings_of(context.stack).redis_prefix
    with _client(context.stack) as client:
        key = context.rng.choice(typed_keys(client, prefix))
        with wrong_type(client, key):
            seconds = context.wait(2, 8)
    return f"wrong type of {key.removeprefix(prefix)!r:.18} {seconds:.0f} s"


def _client(stack: Stack) -> redis.Redis:
    return redis.Redis.from_url(stack.initial_status["redis_url"])
