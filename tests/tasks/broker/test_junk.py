"""A real worker on a Redis with anything in it: junk is dropped and counted, and thoughts are analysed as ever."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from contracts.database import Database
from contracts.dropped_messages import read_dropped
from contracts.queues import THOUGHTS_QUEUE, key_prefix
from contracts.settings import Settings
from tests.eventually import eventually
from tests.tasks.broker.junk import JUNK, junk_items
from tests.tasks.broker.messages import take_message, valid_message
from tests.tasks.thoughts import accept_thought, dispatch_head, thought_row
from tests.tasks.worker_processes import WorkerProcess, count_queued, count_unacknowledged, dispatch, running_worker

DROPPED = "Dropped an item of"
PRIORITY_LIST = f"{THOUGHTS_QUEUE}\x06\x163"
OVERDUE = 1.0
"""A time in 1970."""


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path_factory.mktemp("junk") / "calls")}


@pytest.fixture
def message(settings: Settings, redis_client: redis.Redis) -> dict[str, Any]:
    """A valid message. It is made before the worker starts, which would receive it."""
    return valid_message(settings, redis_client)


@pytest.fixture
def worker(message: dict[str, Any], settings: Settings, tmp_path: Path) -> Iterator[WorkerProcess]:
    with running_worker(settings, tmp_path) as worker:
        yield worker


def full_key(settings: Settings, name: str) -> str:
    """Return the name of one of Celery's keys in Redis."""
    return key_prefix(settings.redis_prefix) + name


def complete_a_thought(database: Database, settings: Settings) -> None:
    """Dispatch a thought and wait until it is analysed."""
    head = dispatch_head(database, accept_thought(database, settings))
    dispatch(settings, [head])
    eventually(lambda: thought_row(database, head.thought_id).status == "completed", timeout=40)


def count_refused_pops(client: redis.Redis) -> int:
    """Count the BRPOP commands of all tests that Redis has answered with an error."""
    statistics: dict[str, Any] = client.info("commandstats").get("cmdstat_brpop", {})
    return int(statistics.get("failed_calls", 0))


def test_whatever_is_in_a_list_is_dropped_with_one_line_and_counted_and_the_thoughts_behind_it_are_analysed(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    message: dict[str, Any],
    worker: WorkerProcess,
) -> None:
    items = junk_items(message)
    for name, item in items.items():
        redis_client.lpush(full_key(settings, THOUGHTS_QUEUE), item)
        eventually(lambda: count_queued(redis_client) == 0 or worker.process.poll() is not None)
        assert worker.process.poll() is None, (name, worker.log[-3000:])
    redis_client.lpush(full_key(settings, PRIORITY_LIST), f"buy milk {JUNK}")
    complete_a_thought(database, settings)
    eventually(lambda: worker.log.count(DROPPED) == len(items) + 1)
    eventually(lambda: count_queued(redis_client) + count_unacknowledged(redis_client) == 0)
    assert sum(read_dropped(redis_client, settings.redis_prefix).values()) == len(items) + 1
    assert read_dropped(redis_client, settings.redis_prefix)["unexpected"] == 0
    assert JUNK not in worker.log
    assert "Traceback" not in worker.log
    assert "broker lost" not in worker.log


def test_odd_entries_among_the_unacknowledged_messages_keep_no_message_from_returning(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """kombu reads these entries at every start and every sweep."""
    message = valid_message(settings, redis_client)
    entries = {name: item for name, item in junk_items(message).items() if b'"task"' not in item}
    entries |= {
        "another queue": json.dumps([message, "", "somebody-elses-list"]).encode(),
        "another exchange": json.dumps([message, "an exchange", THOUGHTS_QUEUE]).encode(),
        "a routing key that is a list": json.dumps([message, "", [JUNK]]).encode(),
        "two parts": json.dumps([message, ""]).encode(),
        "an odd message": json.dumps([JUNK, "", THOUGHTS_QUEUE]).encode(),
    }
    unacked, index = full_key(settings, "unacked"), full_key(settings, "unacked_index")
    for name, entry in entries.items():
        redis_client.hset(unacked, name, entry)
        redis_client.zadd(index, {name: OVERDUE + 10})
    redis_client.zadd(index, {b"\xff without an entry": OVERDUE + 10})
    head = dispatch_head(database, accept_thought(database, settings))
    dispatch(settings, [head])
    redis_client.hset(unacked, "lost", json.dumps([take_message(redis_client), "", THOUGHTS_QUEUE]))
    redis_client.zadd(index, {"lost": OVERDUE})
    with running_worker(settings, tmp_path) as worker:
        eventually(lambda: thought_row(database, head.thought_id).status == "completed", timeout=40)
        eventually(lambda: count_unacknowledged(redis_client) == 0)
        assert redis_client.zcard(index) == 0
        assert worker.log.count(DROPPED) == len(entries)
        assert JUNK not in worker.log
        assert "Traceback" not in worker.log
    assert not redis_client.exists("somebody-elses-list", full_key(settings, "somebody-elses-list"))


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (THOUGHTS_QUEUE, f":{THOUGHTS_QUEUE}' of the broker is a string and not a list"),
        (PRIORITY_LIST, "of the broker is a string and not a list"),
        ("unacked", "WRONGTYPE"),
        ("unacked_index", "WRONGTYPE"),
    ],
)
def test_a_key_of_the_wrong_type_is_named_once_and_the_worker_waits_for_its_repair(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path, key: str, line: str
) -> None:
    message = json.dumps(valid_message(settings, redis_client))
    redis_client.set(full_key(settings, key), JUNK)
    with running_worker(settings, tmp_path) as worker:
        if key.startswith("unacked"):
            redis_client.lpush(full_key(settings, THOUGHTS_QUEUE), message)
        eventually(lambda: line in worker.log)
        refused, waited_since = count_refused_pops(redis_client), time.monotonic()
        eventually(lambda: time.monotonic() - waited_since > 3)
        assert count_refused_pops(redis_client) - refused < 50, "it asks once a second, not in a loop without a pause"
        assert worker.log.count("this worker waits") <= 1
        assert worker.log.count("broker lost") == 0
        redis_client.delete(full_key(settings, key))
        complete_a_thought(database, settings)
        assert worker.process.poll() is None
        assert JUNK not in worker.log
        assert "Traceback" not in worker.log


@pytest.mark.parametrize("text", ["buy milk", "1", '["x"]', "null", "[" * 100_000, '{"body": null}'])
def test_a_broadcast_that_is_no_message_is_ignored(
    database: Database, settings: Settings, redis_client: redis.Redis, worker: WorkerProcess, text: str
) -> None:
    number = redis_client.get_connection_kwargs()["db"]
    eventually(lambda: redis_client.publish(full_key(settings, f"/{number}.celery.pidbox"), text) > 0)
    complete_a_thought(database, settings)
    assert worker.process.poll() is None
    assert "broker lost" not in worker.log
