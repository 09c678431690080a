"""Tests wake-ups on a real Redis: each is received once, also among invalid messages and after an outage."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
import redis

from bridge.consumer.wakeups import QUEUE_SIZE, WakeupListener
from contracts.progress import wakeup_channel
from tests.eventually import eventually
from tests.stores import Stores
from tests.tcp_proxy import proxy_for


@pytest.fixture
def prefix() -> str:
    return f"updates-{uuid4().hex}"


@contextmanager
def running_listener(url: str, prefix: str) -> Iterator[WakeupListener]:
    listener = WakeupListener(url, prefix)
    listener.start()
    try:
        yield listener
    finally:
        listener.stop()


def publish(client: redis.Redis, prefix: str, *messages: str | bytes) -> int:
    """Publish the messages, and return how many deliveries Redis counted."""
    return sum(client.publish(wakeup_channel(prefix), message) for message in messages)


def wait_until_received(client: redis.Redis, prefix: str, listener: WakeupListener) -> None:
    """Publish the same wake-up until it is received; a repeat may arrive later."""
    user = uuid4()

    def is_received() -> bool:
        publish(client, prefix, str(user))
        return user in listener.drain()

    eventually(is_received)


def test_a_wakeup_is_received_once(stores: Stores, redis_client: redis.Redis, prefix: str) -> None:
    users = {uuid4() for _ in range(3)}
    with running_listener(stores.redis_url, prefix) as listener:
        wait_until_received(redis_client, prefix, listener)
        publish(redis_client, prefix, *map(str, users), *map(str, users))
        received: list[UUID] = []

        def all_received() -> bool:
            received.extend(listener.drain())
            return users <= set(received)

        eventually(all_received)
        assert len(set(received) - users) <= 1  # the wake-up of wait_until_received


def test_a_message_that_is_not_a_user_id_is_ignored(stores: Stores, redis_client: redis.Redis, prefix: str) -> None:
    with running_listener(stores.redis_url, prefix) as listener:
        eventually(lambda: publish(redis_client, prefix, "", b"\xff\x00", "not an id", "1" * 100_000))
        wait_until_received(redis_client, prefix, listener)


def test_wakeups_are_received_again_after_an_outage_of_redis(
    redis_client: redis.Redis, prefix: str, stores: Stores
) -> None:
    with (
        proxy_for(stores.redis_url) as proxy,
        running_listener(proxy.proxied_url(stores.redis_url), prefix) as listener,
    ):
        wait_until_received(redis_client, prefix, listener)
        proxy.refuse()
        eventually(lambda: publish(redis_client, prefix, str(uuid4())) == 0)
        proxy.accept()
        wait_until_received(redis_client, prefix, listener)


def test_a_dead_connection_is_replaced(
    stores: Stores,
    redis_client: redis.Redis,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("bridge.consumer.wakeups.IDLE_TIMEOUT_SECONDS", 2.0)
    with (
        proxy_for(stores.redis_url) as proxy,
        running_listener(proxy.proxied_url(stores.redis_url), prefix) as listener,
    ):
        wait_until_received(redis_client, prefix, listener)
        proxy.stall()
        eventually(lambda: "Redis is unavailable" in caplog.text)
        proxy.resume()
        wait_until_received(redis_client, prefix, listener)
        listener.stop()
        listener._thread.join()


def test_an_unreachable_redis_causes_no_error(prefix: str) -> None:
    with running_listener("redis://127.0.0.1:9/0", prefix) as listener:
        assert listener.drain() == set()
        assert listener._thread.is_alive()


def test_the_queue_of_wakeups_is_bounded(prefix: str) -> None:
    listener = WakeupListener("redis://127.0.0.1:9/0", prefix)
    for _ in range(QUEUE_SIZE + 50):
        listener._add(str(uuid4()).encode())
    assert len(listener.drain()) == QUEUE_SIZE


def test_the_listener_stops(stores: Stores, prefix: str) -> None:
    with running_listener(stores.redis_url, prefix) as listener:
        assert any(thread.name == "wakeups" for thread in threading.enumerate())
    eventually(lambda: not listener._thread.is_alive())
