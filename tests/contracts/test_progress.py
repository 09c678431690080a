"""Progress on a real Redis: flask-sse's wire format with the stream's id, seen live and kept for a replay."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask_sse import Message

from contracts import progress
from contracts.events import Event, thought_completed
from contracts.progress import ProgressPublisher
from tests.event_examples import agent_completed
from tests.stores import Stores

PREFIX = f"updates-{uuid4().hex[:12]}"


@pytest.fixture
def event() -> Event:
    return agent_completed(uuid4(), uuid4(), 2)


@pytest.fixture
def publisher(redis_client: redis.Redis) -> ProgressPublisher:
    return ProgressPublisher(redis_client, PREFIX)


@pytest.fixture
def subscriber(redis_client: redis.Redis, event: Event) -> Iterator[redis.client.PubSub]:
    """Somebody who watches the event's user and the bridges' news."""
    with redis_client.pubsub(ignore_subscribe_messages=True) as watching:
        watching.subscribe(progress.channel(PREFIX, event.user_id), progress.wakeup_channel(PREFIX))
        for _ in range(2):
            watching.get_message(timeout=10)  # the acknowledgements of the two subscriptions
        yield watching


def next_message(subscriber: redis.client.PubSub) -> tuple[str, str]:
    """Channel and text of the next message."""
    message = subscriber.get_message(timeout=10)
    assert message is not None
    return message["channel"].decode(), message["data"].decode()


def kept(client: redis.Redis, user_id: UUID) -> list[tuple[str, str]]:
    """Ids and messages that can be replayed to a user."""
    entries: Any = client.xrange(progress.stream_key(PREFIX, user_id))
    return [(entry.decode(), fields[b"message"].decode()) for entry, fields in entries]


def test_a_subscriber_sees_flask_sses_own_message_with_the_streams_id(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, redis_client: redis.Redis, event: Event
) -> None:
    publisher.publish(event)
    channel, message = next_message(subscriber)
    [(stream_id, _)] = kept(redis_client, event.user_id)
    assert channel == f"{PREFIX}:{event.user_id}"
    assert json.loads(message) == Message(event.to_dict(), type=event.event_type, id=stream_id).to_dict()


def test_flask_sse_reads_the_message_as_its_own(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    publisher.publish(event)
    read = str(Message(**json.loads(next_message(subscriber)[1])))
    assert read.startswith("event:thought_agent_completed\ndata:{")
    assert "\nid:" in read


def test_what_was_published_is_kept_in_order_without_its_id(
    publisher: ProgressPublisher, redis_client: redis.Redis
) -> None:
    user, thought = uuid4(), uuid4()
    events = [agent_completed(user, thought, step) for step in (1, 2, 3)]
    for event in events:
        publisher.publish(event)
    assert [json.loads(message) for _, message in kept(redis_client, user)] == [
        {"data": event.to_dict(), "type": event.event_type} for event in events
    ]


def test_texts_of_any_language_and_with_quotes_arrive_whole(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    odd = event.model_copy(update={"agent_name": 'a "quote", a \\ and {braces}\n\u2028 日本語 \U0001f600 %s'})
    publisher.publish(odd)
    assert json.loads(next_message(subscriber)[1])["data"] == odd.to_dict()


def test_the_end_of_a_thought_is_also_told_to_the_bridges(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    publisher.publish(thought_completed(event.user_id, event.thought_id, 1.0), terminal=True)
    assert next_message(subscriber)[0] == progress.channel(PREFIX, event.user_id)
    assert next_message(subscriber) == (progress.wakeup_channel(PREFIX), str(event.user_id))


def test_only_an_end_is_told_to_the_bridges(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    publisher.publish(event)
    publisher.publish(event)
    assert [next_message(subscriber)[0] for _ in range(2)] == [progress.channel(PREFIX, event.user_id)] * 2
    assert caplog.text == "", "Redis refused a part of the script"


def test_a_users_stream_is_bounded_and_does_not_stay_for_ever(
    publisher: ProgressPublisher, redis_client: redis.Redis
) -> None:
    user, thought = uuid4(), uuid4()
    for _ in range(3 * progress.MAX_STREAM_LENGTH):
        publisher.publish(agent_completed(user, thought, 1))
    key = progress.stream_key(PREFIX, user)
    assert progress.MAX_STREAM_LENGTH <= redis_client.xlen(key) < 2 * progress.MAX_STREAM_LENGTH
    assert 0 < redis_client.ttl(key) <= progress.STREAM_TTL_SECONDS


def test_users_do_not_see_each_other(publisher: ProgressPublisher, redis_client: redis.Redis, event: Event) -> None:
    publisher.publish(event)
    assert kept(redis_client, uuid4()) == []


def test_publishing_goes_on_after_redis_has_forgotten_the_script(
    publisher: ProgressPublisher, redis_client: redis.Redis, event: Event
) -> None:
    publisher.publish(event)
    redis_client.script_flush()
    publisher.publish(event)
    assert len(kept(redis_client, event.user_id)) == 2


def test_a_redis_that_refuses_connections_raises_nothing(caplog: pytest.LogCaptureFixture, event: Event) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    caplog.set_level(logging.WARNING)
    ProgressPublisher(progress.connect_redis(f"redis://:a-password@127.0.0.1:{port}/0"), PREFIX).publish(event)
    assert "Redis is unavailable" in caplog.text
    assert "a-password" not in caplog.text


def test_a_redis_that_never_answers_holds_nobody_up(caplog: pytest.LogCaptureFixture, event: Event) -> None:
    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = ProgressPublisher(progress.connect_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"), PREFIX)
        publisher.publish(event)
        assert connections(silent) == 1, "a time-out is not tried again: the next step waits behind it"
        publisher.publish(event)
        assert connections(silent) == 0, "for a while the next events do not wait for it either"
    assert "Redis is unavailable" in caplog.text


def connections(listening: socket.socket) -> int:
    """How many have connected so far."""
    listening.setblocking(False)
    count = 0
    while True:
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_a_write_that_redis_refuses_raises_nothing(
    caplog: pytest.LogCaptureFixture, redis_client: redis.Redis, event: Event
) -> None:
    """As a full Redis does, which evicts nothing; here because the key is of another type."""
    redis_client.set(progress.stream_key(PREFIX, event.user_id), "not a stream")
    ProgressPublisher(redis_client, PREFIX).publish(event)
    assert "Redis is unavailable" in caplog.text


def test_who_finds_all_connections_taken_waits_for_one(stores: Stores) -> None:
    client = progress.connect_redis(stores.redis_url)
    pool = client.connection_pool
    taken = [pool.get_connection() for _ in range(pool.max_connections)]
    threading.Timer(0.3, pool.release, taken[:1]).start()
    assert client.ping(), "and does not believe that Redis is unavailable"
    for connection in taken[1:]:
        pool.release(connection)
    client.close()
