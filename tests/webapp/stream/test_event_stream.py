"""The stream of a real web process: everything that happened, once, in order, whatever was lost on the way."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import text

from agents.catalogue import CATALOGUE
from contracts import events
from contracts.database import Database
from contracts.progress import ProgressPublisher, channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.web_processes import Served, opened
from tests.webapp.worker_by_hand import AGENTS, BEGIN, STORY, Work
from webapp.queries import SNAPSHOT_LENGTH
from webapp.stream.snapshot import derived_events

KEYS = {"thought_id", "user_id", "timestamp"}


@pytest.fixture
def silent(database: Database) -> Work:
    """Works without telling Redis, as a process does that dies between the commit and the news."""
    return Work(database)


def test_a_stream_answers_at_once_and_then_shows_everything_live(web: Served, work: Work) -> None:
    user = uuid4()
    reader = web.read(user)
    assert reader.answer.status == 200
    assert reader.answer.headers["Content-Type"].startswith("text/event-stream")
    assert reader.answer.headers["X-Accel-Buffering"] == "no"
    assert reader.answer.headers["Cache-Control"] == "no-cache"
    assert reader.comment() == "connected"
    opened(web, reader, user)
    thought = web.post("a thought", user)
    eventually(lambda: len(reader.events) == 2)
    told = work.complete(thought)
    reader.until("thought_completed")
    seen = reader.events[1:]
    assert [event.name for event in seen] == STORY
    assert [event.data["event_id"] for event in seen[1:]] == [str(event.event_id) for event in told]
    assert all(event.id for event in seen)
    for event in seen:
        assert set(event.data) >= KEYS
        assert (event.data["thought_id"], event.data["user_id"]) == (str(thought), str(user))
        assert datetime.fromisoformat(event.data["timestamp"]).utcoffset() == timedelta(0)
        assert event.data["event_type"] == event.kind
    agents = [event.data for event in seen if event.kind == "thought_agent_completed"]
    assert [(data["agent_name"], data["agent_number"], data["total_agents"], data["progress"]) for data in agents] == [
        (name, number, 5, f"{number}/5") for number, name in enumerate(CATALOGUE.names, start=1)
    ]


def test_who_comes_late_sees_the_whole_story_and_no_reset(
    web: Served, work: Work, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    done, failed, waiting = (web.post(name, user) for name in ("done", "failed", "waiting"))
    work.complete(done)
    work.take(failed)
    work.step(failed, 1)
    work.claim(failed)
    work.fail(failed, "analysis")
    reader = web.read(user)
    eventually(lambda: reader.names().count("thought_created") == 3)
    assert reader.names() == [*STORY, *BEGIN, AGENTS[0], "thought_failed", "thought_created"]
    by_thought = [UUID(event.data["thought_id"]) for event in reader.events]
    assert by_thought == [done] * 8 + [failed] * 4 + [waiting]
    assert reader.events[0].id, "nothing comes before it"
    assert reader.events[1].id is None, "two thoughts were created before it and are still to be told"
    kept: Any = redis_client.xrevrange(f"{channel(settings.redis_sse_prefix, user)}:events", count=1)
    assert reader.last_event_id == kept[0][0].decode()
    failure = reader.events[11].data
    assert (failure["agent"], failure["retry_count"], failure["error_message"]) == ("analysis", 3, "the model refused")


def test_a_user_never_seen_has_an_open_and_empty_stream(lively_web: Served) -> None:
    reader = lively_web.read(uuid4())
    assert [reader.comment() for _ in range(3)] == ["connected", "heartbeat", "heartbeat"]
    assert reader.names() == []
    assert not reader.ended.is_set()


def test_derived_events_equal_the_published_ones(
    client: FlaskClient, database: Database, work: Work, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    ids = [
        UUID((client.post("/thoughts", json={"text": "x", "user_id": str(user)}).json or {})["id"]) for _ in range(2)
    ]
    key = f"{channel(settings.redis_sse_prefix, user)}:events"
    eventually(lambda: redis_client.xlen(key) == 2)
    work.complete(ids[0])
    work.take(ids[1])
    work.claim(ids[1])
    work.fail(ids[1])
    entries: Any = redis_client.xrange(key)
    published = [json.loads(fields[b"message"])["data"] for _, fields in entries]
    derived = [event.to_dict() for event in derived_events(database, user)]

    def by_id(found: list[dict[str, object]]) -> dict[object, dict[str, object]]:
        return {event["event_id"]: {**event, "timestamp": None, "processing_time_seconds": None} for event in found}

    assert by_id(published) == by_id(derived)


def test_news_that_was_never_sent_comes_with_a_heartbeat(lively_web: Served, silent: Work) -> None:
    web, user = lively_web, uuid4()
    reader = web.read(user)
    thought = web.post("a thought", user)
    reader.until("thought_created")
    silent.complete(thought)
    reader.until("thought_completed")
    assert reader.names() == STORY


def test_an_event_never_overtakes_one_whose_news_was_lost(web: Served, work: Work, silent: Work) -> None:
    user = uuid4()
    reader = web.read(user)
    thought = web.post("a thought", user)
    reader.until("thought_created")
    silent.take(thought)
    work.step(thought, 1)
    silent.step(thought, 2)
    work.step(thought, 3)
    eventually(lambda: AGENTS[2] in reader.names())
    assert reader.names() == [*BEGIN, *AGENTS[:3]]
    (lost,) = [event for event in reader.events if event.data.get("agent_number") == 2]
    assert not lost.id  # the others have one, unless a heartbeat looks between their fact and their news
    silent.step(thought, 4)
    work.claim(thought)
    work.fail(thought, "priority")
    reader.until("thought_failed")
    assert reader.names() == [*BEGIN, *AGENTS[:4], "thought_failed"]
    assert reader.events[-1].id


def test_a_repeated_event_is_told_once_and_moves_the_readers_place(
    web: Served, work: Work, publisher: ProgressPublisher
) -> None:
    user = uuid4()
    thought = web.post("a thought", user)
    reader = web.read(user)
    reader.until("thought_created")
    told = work.take(thought)
    first = reader.until("thought_processing")[-1].id
    publisher.publish(told)
    eventually(lambda: reader.last_event_id != first)
    work.step(thought, 1)
    reader.until(AGENTS[0])
    assert reader.names() == [*BEGIN, AGENTS[0]]


def test_in_a_line_longer_than_a_snapshot_each_thoughts_events_come_in_order(web: Served, work: Work) -> None:
    user = uuid4()
    head, following, *_ = [web.post(str(number), user) for number in range(SNAPSHOT_LENGTH + 2)]
    reader = web.read(user)
    eventually(lambda: len(reader.events) == SNAPSHOT_LENGTH + 1)
    assert reader.events[0].data["thought_id"] == str(head), "which is worked on"
    for thought in (head, following):
        work.complete(thought)
    eventually(lambda: reader.names().count("thought_completed") == 2)
    for thought in (head, following):
        assert [event.name for event in reader.events if event.data["thought_id"] == str(thought)] == STORY


def test_a_replayed_thought_begins_again_where_it_failed(web: Served, work: Work) -> None:
    user = uuid4()
    thought = web.post("a thought", user)
    reader = web.read(user)
    work.take(thought)
    work.step(thought, 1)
    work.claim(thought)
    work.fail(thought, "analysis")
    reader.until("thought_failed")
    work.replay(thought)
    work.take(thought)
    for step in range(2, 6):
        work.step(thought, step)
    reader.until("thought_completed")
    assert reader.names() == [
        *BEGIN,
        AGENTS[0],
        "thought_failed",
        "thought_processing",
        *AGENTS[1:],
        "thought_completed",
    ]


def foreign_messages(user: UUID) -> list[bytes]:
    """Nearly events: of an unknown type, of another user, without a field that all have; and a stranger's reset."""
    whole = events.thought_created(user, uuid4(), "x").to_dict()
    messages: list[tuple[Any, dict[str, Any]]] = [
        ("thought_deleted", whole),
        ("reset", whole | {"thoughts": []}),
        (None, whole),
        ([], whole),
        ("thought_created", whole | {"user_id": str(uuid4())}),
        *(("thought_created", {name: value for name, value in whole.items() if name != left_out}) for left_out in KEYS),
    ]
    return [json.dumps({"data": data, "type": kind}).encode() for kind, data in messages]


def test_messages_of_others_neither_end_a_stream_nor_are_shown(
    web: Served, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    reader = web.read(user)
    web.post("a thought", user)
    reader.until("thought_created")
    for payload in (
        b"no json",
        b"[]",
        b"{}",
        b'{"data": 1}',
        b'{"data": {"thought_id": 5}, "type": "a\\nb", "id": "x"}',
        *foreign_messages(user),
    ):
        redis_client.publish(channel(settings.redis_sse_prefix, user), payload)
    web.post("another", user)
    eventually(lambda: reader.names().count("thought_created") == 2)
    assert [event.kind for event in reader.events] == ["thought_created", "thought_created"]


def test_while_postgres_is_away_a_stream_waits_and_then_catches_up(
    lively_web: Served, database: Database, silent: Work
) -> None:
    web, user = lively_web, uuid4()
    thought = web.post("a thought", user)
    reader = web.read(user)
    reader.until("thought_created")
    name = database.engine.url.database
    silent.take(thought)
    reader.until("thought_processing")
    database.rows(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'web' AND datname = :name"
        ),
        name=name,
    )
    silent.complete_from(thought, 1)
    reader.until("thought_completed")
    assert reader.names() == STORY
    assert not reader.ended.is_set()
