"""A reader that comes back with the id of the last event it saw: it gets what it missed, or the state anew."""

from uuid import uuid4

import redis

from contracts.progress import channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.web_processes import Reader, Served, opened
from tests.webapp.worker_by_hand import AGENTS, BEGIN, STORY, Work


def test_a_reader_that_comes_back_gets_exactly_what_it_missed(web: Served, work: Work) -> None:
    user = uuid4()
    reader = web.read(user)
    opened(web, reader, user)
    thought = web.post("a thought", user)
    work.take(thought)
    work.step(thought, 1)
    reader.until(AGENTS[0])
    reader.close()
    for step in range(2, 6):
        work.step(thought, step)
    again = web.read(user, reader.last_event_id)
    again.until("thought_completed")
    later = web.post("another", user)
    eventually(lambda: again.events[-1].data["thought_id"] == str(later))
    assert again.names() == [*AGENTS[1:], "thought_completed", "thought_created"]
    ids = [event.id for event in reader.events[1:] + again.events]
    assert None not in ids
    assert ids == sorted(ids, key=lambda event_id: tuple(int(part) for part in str(event_id).split("-")))


def test_what_somebody_else_put_among_the_kept_events_is_passed_over(
    web: Served, work: Work, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    thought = web.post("a thought", user)
    [seen] = web.read(user).until("thought_created")
    key = f"{channel(settings.redis_sse_prefix, user)}:events"
    for name, value in (("something", b"else"), ("message", b"no json"), ("message", b"[]"), ("message", b"\xff")):
        redis_client.xadd(key, {name: value})
    work.take(thought)
    for place, story in ((seen.id, ["thought_processing"]), (None, BEGIN)):
        reader = web.read(user, place)
        reader.until("thought_processing")
        assert reader.names() == story


def test_an_id_that_cannot_be_continued_gets_a_reset_with_the_state(
    web: Served, work: Work, redis_client: redis.Redis, settings: Settings
) -> None:
    user = uuid4()
    done, waiting = web.post("done", user), web.post("waiting", user)
    work.complete(done)
    last = web.read(user).until("thought_completed")[-1].id or ""

    def is_reset(claimed: str) -> Reader:
        reader = web.read(user, claimed)
        eventually(lambda: reader.names().count("thought_created") == 2)
        reset = reader.events[0]
        assert (reset.kind, reset.data["user_id"]) == ("reset", str(user))
        assert {"thought_id", "timestamp"} <= set(reset.data)
        assert [thought["id"] for thought in reset.data["thoughts"]] == [str(done), str(waiting)]
        assert [len(thought["agents"]) for thought in reset.data["thoughts"]] == [5, 5]
        assert reader.names()[1:] == [*STORY, "thought_created"]
        assert reader.last_event_id != claimed, "else the browser would be reset for ever"
        return reader

    for unusable in ("x-1", "5-0", "99999999999999-0"):
        assert is_reset(unusable).last_event_id
    redis_client.delete(f"{channel(settings.redis_sse_prefix, user)}:events")
    assert is_reset(last).last_event_id == "", "the browser forgets its place"


def test_an_empty_id_is_none_and_gets_no_reset(web: Served) -> None:
    user = uuid4()
    web.post("a thought", user)
    reader = web.read(user, "")
    assert [event.kind for event in reader.until("thought_created")] == ["thought_created"]


def test_a_user_never_seen_with_an_id_from_elsewhere_is_reset_to_nothing(web: Served) -> None:
    user = uuid4()
    [reset] = web.read(user, "1795449299649-0").until("reset")
    assert reset.data | {"timestamp": ""} == {"user_id": str(user), "thought_id": None, "timestamp": "", "thoughts": []}
    assert reset.id == "", "the browser forgets its place"
