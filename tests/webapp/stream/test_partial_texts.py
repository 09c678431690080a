"""Partial texts in the streams of a real web process: shown live, never stored, and never in the way of a fact."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from contracts.progress import channel, publish_partial_texts, stream_key
from contracts.settings import Settings
from tests.event_examples import partial_text
from tests.eventually import eventually
from tests.webapp.conftest import history_length, post_published
from tests.webapp.fake_worker import AGENT_EVENTS, ALL_EVENTS, START_EVENTS, FakeWorker
from tests.webapp.web_processes import StreamClient, WebProcess, wait_until_following

HOSTILE = '</p><script>alert(1)</script>\r\n\nevent: thought_completed\nid: 9-9\n\u2028日本語 "%s" \U0001f600'


class Models:
    """Takes the part of models that write: publishes partial texts as workers do."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def write(self, user: UUID, thought: UUID, step: int, text: str) -> None:
        publish_partial_texts(self._client, self._prefix, [partial_text(user, thought, step, text)])


@pytest.fixture
def models(redis_client: redis.Redis, settings: Settings) -> Models:
    return Models(redis_client, settings.redis_prefix)


def texts(stream: StreamClient) -> list[str]:
    return [event.data["text"] for event in list(stream.events) if event.kind == "thought_agent_progress"]


def facts(stream: StreamClient) -> list[str]:
    return [name for name in stream.names() if name != "thought_agent_progress"]


def test_partial_texts_arrive_live_without_an_id_and_move_no_position(
    web: WebProcess, worker: FakeWorker, models: Models, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    streams = [web.open_stream(user) for _ in range(2)]
    for stream in streams:
        wait_until_following(web, stream, user)
    thought = post_published(web, redis_client, settings, user)
    worker.dispatch(thought)
    newest: Any = redis_client.xrevrange(stream_key(settings.redis_prefix, user), count=1)
    position = newest[0][0].decode()
    eventually(lambda: {stream.last_event_id for stream in streams} == {position})
    for text in ("It fits", HOSTILE):
        models.write(user, thought, 1, text)
    eventually(lambda: [len(texts(stream)) for stream in streams] == [2, 2])
    for stream in streams:
        assert texts(stream) == ["It fits", HOSTILE]
        last = stream.events[-1]
        assert last.id is None
        assert stream.last_event_id == position
        assert last.data.keys() == {
            "event_type", "timestamp", "user_id", "thought_id", "agent_name", "agent_number", "text"
        }  # fmt: skip
        assert (last.data["thought_id"], last.data["agent_name"]) == (str(thought), "classification")
        assert facts(stream)[-2:] == START_EVENTS


def test_partial_texts_are_not_in_the_history_of_a_client_that_reconnects(
    web: WebProcess, worker: FakeWorker, models: Models, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    thought = post_published(web, redis_client, settings, user)
    worker.dispatch(thought)
    stream.wait_for("thought_processing")
    models.write(user, thought, 1, "It fits")
    stream.wait_for("thought_agent_progress")
    stream.close()
    worker.run_step(thought, 1)
    resumed, fresh = web.open_stream(user, stream.last_event_id), web.open_stream(user)
    for reconnected in (resumed, fresh):
        reconnected.wait_for(AGENT_EVENTS[0])
    assert resumed.names() == [AGENT_EVENTS[0]]
    assert fresh.names() == [*START_EVENTS, AGENT_EVENTS[0]]
    assert history_length(redis_client, settings, user) == 3


def test_partial_texts_never_delay_or_reorder_the_facts_and_none_follows_its_result(
    web: WebProcess, worker: FakeWorker, models: Models, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    wait_until_following(web, stream, user)
    thought = post_published(web, redis_client, settings, user)
    worker.dispatch(thought)
    stream.wait_for("thought_processing")
    for step in range(1, 6):
        worker.claim(thought)
        models.write(user, thought, step, f"by {step}")
        worker.save(thought, step)
        models.write(user, thought, step, f"late, by {step}")
    stream.wait_for("thought_completed")
    models.write(user, thought, 5, "after the end")
    second = post_published(web, redis_client, settings, user, "another thought")
    worker.dispatch(second)
    models.write(user, second, 1, "the last text")
    eventually(lambda: "the last text" in texts(stream))
    assert texts(stream) == [*(f"by {step}" for step in range(1, 6)), "the last text"]
    assert facts(stream)[1:] == [*ALL_EVENTS, *START_EVENTS]
    assert all(event.id for event in stream.events[1:] if event.kind != "thought_agent_progress")


def test_a_partial_text_never_overtakes_the_start_of_its_thought(
    web: WebProcess, worker: FakeWorker, models: Models
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    thought = web.post("a thought", user)
    stream.wait_for("thought_created")
    models.write(user, thought, 1, "too early")
    worker.dispatch(thought)
    models.write(user, thought, 1, "in time")
    eventually(lambda: texts(stream))
    assert texts(stream) == ["in time"]


def test_partial_texts_of_another_user_never_arrive(
    web: WebProcess, worker: FakeWorker, models: Models, redis_client: redis.Redis, settings: Settings
) -> None:
    user, other = uuid4(), uuid4()
    stream, other_stream = web.open_stream(user), web.open_stream(other)
    thought, other_thought = web.post("a thought", user), web.post("a thought", other)
    for each, each_stream in ((thought, stream), (other_thought, other_stream)):
        worker.dispatch(each)
        each_stream.wait_for("thought_processing")
    models.write(other, other_thought, 1, "for the other user")
    for wrong in (
        partial_text(other, thought, 1, "another user's, on this channel"),
        partial_text(user, other_thought, 1, "of another user's thought"),
        partial_text(user, uuid4(), 1, "of an unknown thought"),
    ):
        message = json.dumps({"data": wrong.to_dict(), "type": "thought_agent_progress"})
        redis_client.publish(channel(settings.redis_prefix, user), message)
    redis_client.publish(channel(settings.redis_prefix, user), '{"data":{},"type":"thought_agent_progress"}')
    models.write(user, thought, 1, "for this user")
    eventually(lambda: texts(stream) and texts(other_stream))
    assert texts(stream) == ["for this user"]
    assert texts(other_stream) == ["for the other user"]
