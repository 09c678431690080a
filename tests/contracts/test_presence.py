"""Which processes were seen: reports are read by their age and replaced, and odd ones hide no other."""

import json

import pytest
import redis

from contracts.presence import PRESENT_SECONDS, Presence, ProcessReport, process_id

PREFIX = "presence-test"
KEY = f"{PREFIX}:processes"


@pytest.fixture
def presence(redis_client: redis.Redis) -> Presence:
    return Presence(redis_client, PREFIX)


def write_report(client: redis.Redis, name: str, *, seconds_ago: float, content: str) -> None:
    seconds, microseconds = client.time()
    client.hset(KEY, name, f"{seconds + microseconds / 1e6 - seconds_ago} {content}")


def test_a_process_that_reported_is_seen_with_what_it_said(presence: Presence) -> None:
    worker = ProcessReport("worker", process_id(), slots=40)
    bridge = ProcessReport("bridge", process_id(), lines=7)
    presence.report(worker)
    presence.report(bridge)

    seen = presence.read()

    assert {process.report for process in seen} == {worker, bridge}
    assert all(0 <= process.age < PRESENT_SECONDS for process in seen)


def test_a_later_report_replaces_the_earlier_one(presence: Presence) -> None:
    presence.report(ProcessReport("worker", "one", slots=40))
    presence.report(ProcessReport("worker", "one", slots=3))

    assert [process.report.slots for process in presence.read()] == [3]


def test_a_process_that_withdrew_is_not_seen(presence: Presence) -> None:
    presence.report(ProcessReport("worker", "one"))
    presence.withdraw("one")

    assert presence.read() == []


@pytest.mark.parametrize("seconds_ago", [PRESENT_SECONDS + 1, -PRESENT_SECONDS - 1, 10**9, -(10**9)])
def test_an_old_report_and_one_from_the_future_are_left_out_and_deleted(
    redis_client: redis.Redis, presence: Presence, seconds_ago: float
) -> None:
    write_report(redis_client, "one", seconds_ago=seconds_ago, content=json.dumps({"kind": "worker"}))

    assert presence.read() == []
    assert redis_client.hlen(KEY) == 0


UNREADABLE = {
    "nothing": "",
    "no json": "no json",
    "an array": "[]",
    "null": "null",
    "no kind": "{}",
    "an unknown kind": '{"kind": "printer"}',
    "a kind that is a list": '{"kind": ["worker"]}',
    "slots that are text": '{"kind": "worker", "slots": "many"}',
    "slots that are null": '{"kind": "worker", "slots": null}',
    "slots that are no number": '{"kind": "worker", "slots": NaN}',
    "slots that are infinite": '{"kind": "worker", "slots": Infinity}',
    "negative slots": '{"kind": "worker", "slots": -5}',
    "more slots than there can be": '{"kind": "worker", "slots": 9999999999}',
    "slots with 400 digits": f'{{"kind": "worker", "slots": {"9" * 400}}}',
    "a fraction of a user": '{"kind": "bridge", "lines": 0.5}',
    "deeply nested arrays": "[" * 100_000,
}


def test_a_field_that_only_another_release_knows_is_ignored(redis_client: redis.Redis, presence: Presence) -> None:
    write_report(redis_client, "newer", seconds_ago=0, content='{"kind": "worker", "slots": 3, "unknown": 1}')

    assert [process.report for process in presence.read()] == [ProcessReport("worker", "newer", slots=3)]


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_report_is_deleted_and_hides_no_other(
    redis_client: redis.Redis, presence: Presence, content: str
) -> None:
    write_report(redis_client, "broken", seconds_ago=0, content=content)
    presence.report(ProcessReport("web", "healthy"))

    assert [process.report.id for process in presence.read()] == ["healthy"]
    assert redis_client.hkeys(KEY) == [b"healthy"]
