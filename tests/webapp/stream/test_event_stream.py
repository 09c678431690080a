"""The stream of a real web process: every event once and in order, whatever messages were lost."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts import events
from contracts.database import Database
from contracts.progress import ProgressPublisher, channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import post_published
from tests.webapp.fake_worker import AGENT_EVENTS, ALL_EVENTS, START_EVENTS, FakeWorker
from tests.webapp.web_processes import WebProcess, wait_until_following
from webapp.queries import SNAPSHOT_LENGTH

REQUIRED_FIELDS = {"thought_id", "user_id", "timestamp"}


@pytest.fixture
def silent_worker(database: Database) -> FakeWorker:
    """A worker that publishes nothing, like a process that dies between the commit and the publication."""
    return FakeWorker(database)


def test_a_stream_responds_at_once_and_then_sends_every_event_live(web: WebProcess, worker: FakeWorker) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    assert stream.response.status == 200
    assert stream.response.headers["Content-Type"].startswith("text/event-stream")
    assert stream.response.headers["X-Accel-Buffering"] == "no"
    assert stream.response.headers["Cache-Control"] == "no-cache"
    assert stream.next_comment() == "connected"
    wait_until_following(web, stream, user)
    thought = web.post("a thought", user)
    eventually(lambda: len(stream.events) == 2)
    published = worker.complete(thought)
    stream.wait_for("thought_completed")
    received = stream.events[1:]
    assert [event.name for event in received] == ALL_EVENTS
    assert [event.data["event_id"] for event in received[1:]] == [str(event.event_id) for event in published]
    assert all(event.id for event in received)
    for event in received:
        assert set(event.data) >= REQUIRED_FIELDS
        assert (event.data["thought_id"], event.data["user_id"]) == (str(thought), str(user))
        assert datetime.fromisoformat(event.data["timestamp"]).utcoffset() == timedelta(0)
        assert event.data["event_type"] == event.kind
    agents = [event.data for event in received if event.kind == "thought_agent_completed"]
    assert [(data["agent_name"], data["agent_number"], data["total_agents"], data["progress"]) for data in agents] == [
        (name, number, 5, f"{number}/5") for number, name in enumerate(CATALOGUE.names, start=1)
    ]


def test_a_stream_that_opens_late_sends_all_events_and_no_reset(
    web: WebProcess, worker: FakeWorker, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    done, failed, waiting = (
        post_published(web, redis_client, settings, user, name) for name in ("done", "failed", "waiting")
    )
    worker.complete(done)
    worker.dispatch(failed)
    worker.run_step(failed, 1)
    worker.claim(failed)
    worker.fail(failed, "analysis")
    stream = web.open_stream(user)
    eventually(lambda: stream.names().count("thought_created") == 3)
    assert stream.names() == [*ALL_EVENTS, *START_EVENTS, AGENT_EVENTS[0], "thought_failed", "thought_created"]
    by_thought = [UUID(event.data["thought_id"]) for event in stream.events]
    assert by_thought == [done] * 8 + [failed] * 4 + [waiting]
    assert stream.events[0].id, "it has an id, because no event comes before it"
    assert stream.events[1].id is None, "two thoughts were created before it, and their events are not sent yet"
    newest: Any = redis_client.xrevrange(f"{channel(settings.redis_prefix, user)}:events", count=1)
    assert stream.last_event_id == newest[0][0].decode()
    failure = stream.events[11].data
    assert (failure["agent"], failure["retry_count"], failure["error_message"]) == ("analysis", 3, "the model refused")


def test_the_stream_of_an_unknown_user_stays_open_and_sends_only_heartbeats(fast_web: WebProcess) -> None:
    stream = fast_web.open_stream(uuid4())
    assert [stream.next_comment() for _ in range(3)] == ["connected", "heartbeat", "heartbeat"]
    assert stream.names() == []
    assert not stream.ended.is_set()


def test_events_that_were_never_published_arrive_with_a_heartbeat(
    fast_web: WebProcess, silent_worker: FakeWorker
) -> None:
    user = uuid4()
    stream = fast_web.open_stream(user)
    thought = fast_web.post("a thought", user)
    stream.wait_for("thought_created")
    silent_worker.complete(thought)
    stream.wait_for("thought_completed")
    assert stream.names() == ALL_EVENTS


def test_an_event_never_overtakes_one_that_was_not_published(
    web: WebProcess, worker: FakeWorker, silent_worker: FakeWorker
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    thought = web.post("a thought", user)
    stream.wait_for("thought_created")
    silent_worker.dispatch(thought)
    worker.run_step(thought, 1)
    silent_worker.run_step(thought, 2)
    worker.run_step(thought, 3)
    eventually(lambda: AGENT_EVENTS[2] in stream.names())
    assert stream.names() == [*START_EVENTS, *AGENT_EVENTS[:3]]
    (derived,) = [event for event in stream.events if event.data.get("agent_number") == 2]
    assert not derived.id  # the others have one, unless a heartbeat derives them between commit and publication
    silent_worker.run_step(thought, 4)
    worker.claim(thought)
    worker.fail(thought, "priority")
    stream.wait_for("thought_failed")
    assert stream.names() == [*START_EVENTS, *AGENT_EVENTS[:4], "thought_failed"]
    assert stream.events[-1].id


def test_a_repeated_event_is_sent_once_and_moves_the_resume_point(
    web: WebProcess, worker: FakeWorker, publisher: ProgressPublisher
) -> None:
    user = uuid4()
    thought = web.post("a thought", user)
    stream = web.open_stream(user)
    stream.wait_for("thought_created")
    processing = worker.dispatch(thought)
    first_id = stream.wait_for("thought_processing")[-1].id
    publisher.publish(processing)
    [repeated_id] = eventually(lambda: list(stream.bookmarks))
    assert repeated_id != first_id
    worker.run_step(thought, 1)
    stream.wait_for(AGENT_EVENTS[0])
    assert stream.names() == [*START_EVENTS, AGENT_EVENTS[0]]


def test_in_a_line_longer_than_a_snapshot_the_events_of_each_thought_arrive_in_order(
    web: WebProcess, worker: FakeWorker
) -> None:
    user = uuid4()
    head, second, *_ = [web.post(str(number), user) for number in range(SNAPSHOT_LENGTH + 2)]
    stream = web.open_stream(user)
    eventually(lambda: len(stream.events) == SNAPSHOT_LENGTH + 1)
    assert stream.events[0].data["thought_id"] == str(head), "the head of the line is always in the snapshot"
    for thought in (head, second):
        worker.complete(thought)
    eventually(lambda: stream.names().count("thought_completed") == 2)
    for thought in (head, second):
        assert [event.name for event in stream.events if event.data["thought_id"] == str(thought)] == ALL_EVENTS


def test_a_replayed_thought_continues_at_the_step_that_failed(web: WebProcess, worker: FakeWorker) -> None:
    user = uuid4()
    thought = web.post("a thought", user)
    stream = web.open_stream(user)
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    worker.claim(thought)
    worker.fail(thought, "analysis")
    stream.wait_for("thought_failed")
    worker.replay(thought)
    worker.dispatch(thought)
    for step in range(2, 6):
        worker.run_step(thought, step)
    stream.wait_for("thought_completed")
    assert stream.names() == [
        *START_EVENTS,
        AGENT_EVENTS[0],
        "thought_failed",
        "thought_processing",
        *AGENT_EVENTS[1:],
        "thought_completed",
    ]


def almost_events(user: UUID) -> list[bytes]:
    """Messages with an unknown type, of another user, or without a required field; and a reset of another publisher."""
    complete = events.thought_created(user, uuid4(), "x").to_dict()
    messages: list[tuple[Any, dict[str, Any]]] = [
        ("thought_deleted", complete),
        ("reset", complete | {"thoughts": []}),
        (None, complete),
        ([], complete),
        ("thought_created", complete | {"user_id": str(uuid4())}),
        *(
            ("thought_created", {name: value for name, value in complete.items() if name != missing})
            for missing in REQUIRED_FIELDS
        ),
    ]
    return [json.dumps({"data": data, "type": kind}).encode() for kind, data in messages]


def test_messages_of_other_publishers_are_not_sent_and_do_not_end_a_stream(
    web: WebProcess, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    web.post("a thought", user)
    stream.wait_for("thought_created")
    for payload in (
        b"no json",
        b"[]",
        b"{}",
        b'{"data": 1}',
        b'{"data": {"thought_id": 5}, "type": "a\\nb", "id": "x"}',
        *almost_events(user),
    ):
        redis_client.publish(channel(settings.redis_prefix, user), payload)
    web.post("another", user)
    eventually(lambda: stream.names().count("thought_created") == 2)
    assert [event.kind for event in stream.events] == ["thought_created", "thought_created"]


def test_a_stream_waits_while_postgres_is_unavailable_and_then_catches_up(
    fast_web: WebProcess, database: Database, silent_worker: FakeWorker
) -> None:
    user = uuid4()
    thought = fast_web.post("a thought", user)
    stream = fast_web.open_stream(user)
    stream.wait_for("thought_created")
    name = database.engine.url.database
    silent_worker.dispatch(thought)
    stream.wait_for("thought_processing")
    database.rows(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'web' AND datname = :name"
        ),
        name=name,
    )
    silent_worker.complete_from_step(thought, 1)
    stream.wait_for("thought_completed")
    assert stream.names() == ALL_EVENTS
    assert not stream.ended.is_set()
