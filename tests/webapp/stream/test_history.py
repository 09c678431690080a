"""The event history in Redis: a client that sends a Last-Event-ID resumes from it, or gets a reset."""

import json
from uuid import uuid4

import redis

from contracts.progress import channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import post_published
from tests.webapp.fake_worker import AGENT_EVENTS, ALL_EVENTS, START_EVENTS, FakeWorker
from tests.webapp.web_processes import StreamClient, WebProcess, wait_until_following
from webapp.hub.sse import StreamMessage
from webapp.stream.history import History, ResumePointTracker, parse_stream_id


def history_of(*stream_ids: str) -> History:
    return History(tuple(StreamMessage({"event_id": f"e{stream_id}"}, id=stream_id) for stream_id in stream_ids))


def test_stream_ids_are_compared_as_numbers() -> None:
    nine, ten = parse_stream_id("9-0"), parse_stream_id("10-0")
    assert nine is not None
    assert ten is not None
    assert nine < ten
    assert [parse_stream_id(text) for text in (None, "", "5", "a-b", "5-0 ", "-1-0", "$")] == [None] * 7


def test_a_client_can_resume_only_from_an_id_within_the_history() -> None:
    history = history_of("9-0", "10-0")
    assert [history.can_resume(after) for after in ((8, 9), (9, 0), (9, 5), (10, 0), (10, 1))] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not history_of().can_resume((9, 0))
    assert [message.id for message in history_of("9-0", "9-1", "10-0").after((9, 0))] == ["9-1", "10-0"]
    assert [message.id for message in history_of("9-0", "9-1", "10-0").up_to((9, 1))] == ["9-0", "9-1"]


def test_the_resume_point_advances_only_past_events_that_were_sent() -> None:
    resume_point = ResumePointTracker(history_of("1-0", "2-0", "3-0", "4-0"), {"e1-0", "e3-0", "e4-0"})
    assert resume_point.advance("e3-0") is None
    assert resume_point.advance("e1-0") == "3-0"
    assert resume_point.advance("unrelated") is None
    assert resume_point.advance("e4-0") == "4-0"


def test_a_client_that_reconnects_gets_exactly_the_events_it_missed(
    web: WebProcess, worker: FakeWorker, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    stream = web.open_stream(user)
    wait_until_following(web, stream, user)
    thought = post_published(web, redis_client, settings, user)
    worker.dispatch(thought)
    worker.run_step(thought, 1)
    stream.wait_for(AGENT_EVENTS[0])
    stream.close()
    for step in range(2, 6):
        worker.run_step(thought, step)
    resumed = web.open_stream(user, stream.last_event_id)
    resumed.wait_for("thought_completed")
    later_thought = web.post("another", user)
    eventually(lambda: resumed.events[-1].data["thought_id"] == str(later_thought))
    assert resumed.names() == [*AGENT_EVENTS[1:], "thought_completed", "thought_created"]
    ids = [event.id for event in stream.events[1:] + resumed.events]
    assert None not in ids
    assert ids == sorted(ids, key=lambda event_id: tuple(int(part) for part in str(event_id).split("-")))


def test_invalid_entries_of_the_history_are_skipped(
    web: WebProcess, worker: FakeWorker, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    thought = post_published(web, redis_client, settings, user)
    [created] = web.open_stream(user).wait_for("thought_created")
    key = f"{channel(settings.redis_prefix, user)}:events"
    data = {**created.data, "event_id": "another"}
    event = {"type": "thought_created", "data": data}
    odd = [event | {"retry": "soon"}, event | {"type": ["x"]}, event | {"data": data | {"thought_id": "x"}}]
    for message in (b"no json", b"[]", b"\xff", b"[" * 100_000, *[json.dumps(item).encode() for item in odd]):
        redis_client.xadd(key, {"message": message})
    redis_client.xadd(key, {"something": b"else"})
    worker.dispatch(thought)
    for last_event_id, expected in ((created.id, ["thought_processing"]), (None, START_EVENTS)):
        stream = web.open_stream(user, last_event_id)
        stream.wait_for("thought_processing")
        assert stream.names() == expected


def test_a_last_event_id_outside_the_history_gets_a_reset_with_the_current_state(
    web: WebProcess, worker: FakeWorker, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    done, waiting = (post_published(web, redis_client, settings, user, name) for name in ("done", "waiting"))
    worker.complete(done)
    last_id = web.open_stream(user).wait_for("thought_completed")[-1].id or ""

    def open_with_reset(last_event_id: str) -> StreamClient:
        stream = web.open_stream(user, last_event_id)
        eventually(lambda: stream.names().count("thought_created") == 2)
        reset = stream.events[0]
        assert (reset.kind, reset.data["user_id"]) == ("reset", str(user))
        assert {"thought_id", "timestamp"} <= set(reset.data)
        assert [thought["id"] for thought in reset.data["thoughts"]] == [str(done), str(waiting)]
        assert [len(thought["agents"]) for thought in reset.data["thoughts"]] == [5, 5]
        assert stream.names()[1:] == [*ALL_EVENTS, "thought_created"]
        assert stream.last_event_id != last_event_id, "with the same id the browser would get a reset at each reconnect"
        return stream

    for invalid_id in ("x-1", "5-0", "99999999999999-0"):
        assert open_with_reset(invalid_id).last_event_id
    redis_client.delete(f"{channel(settings.redis_prefix, user)}:events")
    assert open_with_reset(last_id).last_event_id == "", "the browser forgets its last id"


def test_an_empty_last_event_id_counts_as_none_and_gets_no_reset(web: WebProcess) -> None:
    user = uuid4()
    web.post("a thought", user)
    stream = web.open_stream(user, "")
    assert [event.kind for event in stream.wait_for("thought_created")] == ["thought_created"]


def test_an_unknown_user_with_a_last_event_id_gets_an_empty_reset(web: WebProcess) -> None:
    user = uuid4()
    [reset] = web.open_stream(user, "1795449299649-0").wait_for("reset")
    assert reset.data | {"timestamp": ""} == {"user_id": str(user), "thought_id": None, "timestamp": "", "thoughts": []}
    assert reset.id == "", "the browser forgets its last id"
