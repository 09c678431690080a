"""Progress on a real Redis: flask-sse's wire format with the stream's id, published live and kept for resuming."""

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
from tests.event_examples import agent_completed, partial_text
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
    """A subscription to the channel of the event's user and to the bridges' wake-ups."""
    with redis_client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(progress.channel(PREFIX, event.user_id), progress.wakeup_channel(PREFIX))
        for _ in range(2):
            pubsub.get_message(timeout=10)  # the acknowledgements of the two subscriptions
        yield pubsub


def next_message(subscriber: redis.client.PubSub) -> tuple[str, str]:
    """Return the channel and the text of the next message."""
    message = subscriber.get_message(timeout=10)
    assert message is not None
    return message["channel"].decode(), message["data"].decode()


def stored_messages(client: redis.Redis, user_id: UUID) -> list[tuple[str, str]]:
    """Return the ids and texts of the messages that a user's stream can resume with."""
    entries: Any = client.xrange(progress.stream_key(PREFIX, user_id))
    return [(entry.decode(), fields[b"message"].decode()) for entry, fields in entries]


def test_the_published_message_equals_flask_sses_message_with_the_streams_id(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, redis_client: redis.Redis, event: Event
) -> None:
    publisher.publish(event)
    channel, message = next_message(subscriber)
    [(stream_id, _)] = stored_messages(redis_client, event.user_id)
    assert channel == f"{PREFIX}:{event.user_id}"
    assert json.loads(message) == Message(event.to_dict(), type=event.event_type, id=stream_id).to_dict()


def test_flask_sse_parses_the_published_message(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    publisher.publish(event)
    rendered = str(Message(**json.loads(next_message(subscriber)[1])))
    assert rendered.startswith("event:thought_agent_completed\ndata:{")
    assert "\nid:" in rendered


def test_partial_texts_are_published_to_their_users_without_an_id_and_never_stored(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, redis_client: redis.Redis, event: Event
) -> None:
    hostile = '</p><script>alert(1)</script>\r\n\nid: 9-9\n\u2028 日本語 \U0001f600 "%s"'
    texts = [partial_text(event.user_id, event.thought_id, 2, text) for text in ("It fits", hostile)]
    other = partial_text(uuid4(), event.thought_id, 2)
    progress.publish_partial_texts(redis_client, PREFIX, [texts[0], other, texts[1]])
    for text in texts:
        channel, message = next_message(subscriber)
        assert channel == f"{PREFIX}:{event.user_id}"
        assert json.loads(message) == {"data": text.to_dict(), "type": "thought_agent_progress"}
    publisher.publish(event)
    assert next_message(subscriber)[0] == f"{PREFIX}:{event.user_id}"
    assert len(stored_messages(redis_client, event.user_id)) == 1, "only the fact is stored"
    assert stored_messages(redis_client, other.user_id) == []


def test_the_redis_stream_keeps_messages_in_order_without_their_ids(
    publisher: ProgressPublisher, redis_client: redis.Redis
) -> None:
    user, thought = uuid4(), uuid4()
    events = [agent_completed(user, thought, step) for step in (1, 2, 3)]
    for event in events:
        publisher.publish(event)
    assert [json.loads(message) for _, message in stored_messages(redis_client, user)] == [
        {"data": event.to_dict(), "type": event.event_type} for event in events
    ]


def test_texts_with_quotes_and_of_any_language_arrive_unchanged(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    unusual = event.model_copy(update={"agent_name": 'a "quote", a \\ and {braces}\n\u2028 日本語 \U0001f600 %s'})
    publisher.publish(unusual)
    assert json.loads(next_message(subscriber)[1])["data"] == unusual.to_dict()


def test_a_terminal_event_wakes_the_bridges(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event
) -> None:
    publisher.publish(thought_completed(event.user_id, event.thought_id, 1.0), terminal=True)
    assert next_message(subscriber)[0] == progress.channel(PREFIX, event.user_id)
    assert next_message(subscriber) == (progress.wakeup_channel(PREFIX), str(event.user_id))


def test_an_event_that_is_not_terminal_does_not_wake_the_bridges(
    publisher: ProgressPublisher, subscriber: redis.client.PubSub, event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    publisher.publish(event)
    publisher.publish(event)
    assert [next_message(subscriber)[0] for _ in range(2)] == [progress.channel(PREFIX, event.user_id)] * 2
    assert caplog.text == "", "Redis rejected a part of the script"


def test_a_users_stream_has_a_maximum_length_and_expires(
    publisher: ProgressPublisher, redis_client: redis.Redis
) -> None:
    user, thought = uuid4(), uuid4()
    for _ in range(3 * progress.MAX_STREAM_LENGTH):
        publisher.publish(agent_completed(user, thought, 1))
    key = progress.stream_key(PREFIX, user)
    assert progress.MAX_STREAM_LENGTH <= redis_client.xlen(key) < 2 * progress.MAX_STREAM_LENGTH
    assert 0 < redis_client.ttl(key) <= progress.STREAM_TTL_SECONDS


def test_a_users_stream_has_no_events_of_other_users(
    publisher: ProgressPublisher, redis_client: redis.Redis, event: Event
) -> None:
    publisher.publish(event)
    assert stored_messages(redis_client, uuid4()) == []


def test_publishing_continues_after_redis_has_lost_the_script(
    publisher: ProgressPublisher, redis_client: redis.Redis, event: Event
) -> None:
    publisher.publish(event)
    redis_client.script_flush()
    publisher.publish(event)
    assert len(stored_messages(redis_client, event.user_id)) == 2


def test_publish_does_not_raise_when_redis_refuses_connections(caplog: pytest.LogCaptureFixture, event: Event) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_server:
        port = closed_server.getsockname()[1]
    caplog.set_level(logging.WARNING)
    ProgressPublisher(progress.connect_redis(f"redis://:a-password@127.0.0.1:{port}/0"), PREFIX).publish(event)
    assert "Redis is unavailable" in caplog.text
    assert "a-password" not in caplog.text


def test_publish_waits_for_one_timeout_only_when_redis_never_answers(
    caplog: pytest.LogCaptureFixture, event: Event
) -> None:
    caplog.set_level(logging.WARNING)
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        url = f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0"
        publisher = ProgressPublisher(progress.connect_redis(url), PREFIX)
        publisher.publish(event)
        assert count_connections(silent_server) == 1, (
            "a timeout is not retried, because the next step waits for this call"
        )
        publisher.publish(event)
        assert count_connections(silent_server) == 0, "the next events are skipped during the pause"
    assert "Redis is unavailable" in caplog.text


def count_connections(listener: socket.socket) -> int:
    """Return the number of connections that were opened since the last call."""
    listener.setblocking(False)
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_publish_does_not_raise_when_redis_rejects_the_write(
    caplog: pytest.LogCaptureFixture, redis_client: redis.Redis, event: Event
) -> None:
    """A full Redis without eviction rejects writes; here the key has another type."""
    redis_client.set(progress.stream_key(PREFIX, event.user_id), "not a stream")
    ProgressPublisher(redis_client, PREFIX).publish(event)
    assert "Redis rejects a command" in caplog.text


def test_a_call_waits_for_a_connection_when_all_are_in_use(stores: Stores) -> None:
    client = progress.connect_redis(stores.redis_url)
    pool = client.connection_pool
    connections = [pool.get_connection() for _ in range(pool.max_connections)]
    threading.Timer(0.3, pool.release, connections[:1]).start()
    assert client.ping(), "the call must not fail as if Redis were unavailable"
    for connection in connections[1:]:
        pool.release(connection)
    client.close()
