"""News of ended thoughts on a real Redis: heard once, whatever else is said, and heard again after an outage."""

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
from tests.tcp_proxy import proxy_before


@pytest.fixture
def prefix() -> str:
    return f"updates-{uuid4().hex}"


@contextmanager
def listening(url: str, prefix: str) -> Iterator[WakeupListener]:
    news = WakeupListener(url, prefix)
    news.start()
    try:
        yield news
    finally:
        news.stop()


def say(client: redis.Redis, prefix: str, *words: str | bytes) -> int:
    """Publish and return how many heard it."""
    return sum(client.publish(wakeup_channel(prefix), word) for word in words)


def hears(client: redis.Redis, prefix: str, news: WakeupListener) -> None:
    """Say something again and again until it is heard; a word may come late, so it is always the same one."""
    user = uuid4()

    def is_heard() -> bool:
        say(client, prefix, str(user))
        return user in news.drain()

    eventually(is_heard)


def test_what_is_said_is_heard_once(stores: Stores, redis_client: redis.Redis, prefix: str) -> None:
    users = {uuid4() for _ in range(3)}
    with listening(stores.redis_url, prefix) as news:
        hears(redis_client, prefix, news)
        say(redis_client, prefix, *map(str, users), *map(str, users))
        heard: list[UUID] = []

        def all_heard() -> bool:
            heard.extend(news.drain())
            return users <= set(heard)

        eventually(all_heard)
        assert len(set(heard) - users) <= 1  # the word that was said to be sure of a listener


def test_words_that_are_no_users_id_are_passed_over(stores: Stores, redis_client: redis.Redis, prefix: str) -> None:
    with listening(stores.redis_url, prefix) as news:
        eventually(lambda: say(redis_client, prefix, "", b"\xff\x00", "not an id", "1" * 100_000))
        hears(redis_client, prefix, news)


def test_news_are_heard_again_after_redis_was_away(redis_client: redis.Redis, prefix: str, stores: Stores) -> None:
    with proxy_before(stores.redis_url) as proxy, listening(proxy.url(stores.redis_url), prefix) as news:
        hears(redis_client, prefix, news)
        proxy.refuse()
        eventually(lambda: say(redis_client, prefix, str(uuid4())) == 0)
        proxy.accept()
        hears(redis_client, prefix, news)


def test_a_connection_that_died_without_a_word_is_made_anew(
    stores: Stores,
    redis_client: redis.Redis,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("bridge.consumer.wakeups.IDLE_TIMEOUT_SECONDS", 2.0)
    with proxy_before(stores.redis_url) as proxy, listening(proxy.url(stores.redis_url), prefix) as news:
        hears(redis_client, prefix, news)
        proxy.stall()
        eventually(lambda: "Redis is unavailable" in caplog.text)
        proxy.resume()
        hears(redis_client, prefix, news)
        news.stop()
        news._thread.join()


def test_news_of_a_redis_that_is_not_there_are_none_and_no_error(prefix: str) -> None:
    with listening("redis://127.0.0.1:9/0", prefix) as news:
        assert news.drain() == set()
        assert news._thread.is_alive()


def test_what_nobody_takes_is_bounded(prefix: str) -> None:
    news = WakeupListener("redis://127.0.0.1:9/0", prefix)
    for _ in range(QUEUE_SIZE + 50):
        news._add(str(uuid4()).encode())
    assert len(news.drain()) == QUEUE_SIZE


def test_listening_ends_when_it_is_stopped(stores: Stores, prefix: str) -> None:
    with listening(stores.redis_url, prefix) as news:
        assert any(thread.name == "wakeups" for thread in threading.enumerate())
    eventually(lambda: not news._thread.is_alive())
