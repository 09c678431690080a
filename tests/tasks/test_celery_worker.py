"""A real Celery worker on real Redis: chains, repeats, failures and ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from agents.catalogue import CATALOGUE
from bridge.consumer.protocol import Head
from contracts.database import Database
from contracts.queues import SOLO_QUEUE
from contracts.settings import Settings
from tasks.application import create_app
from tasks.watchdog import REPLACE_EXIT_STATUS
from tests.eventually import eventually
from tests.tasks.thoughts import SECRET, accepted, dead_letters, die_in_a_call, runs, taken, thought
from tests.tasks.worker_processes import TaskEvents, a_worker, calls, cut_connections, send, unacknowledged, waiting


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls"), "kafka_retry_backoff_ms": 40}


def a_head(database: Database, settings: Settings, words: str = SECRET) -> Head:
    """A new thought that a bridge has just dispatched."""
    return taken(database, accepted(database, settings, words))


def is_over(database: Database, head: Head) -> str | None:
    """The status of a thought that has reached its end."""
    row = thought(database, head.thought_id)
    return str(row.status) if row.finished_at else None


def is_quiet(client: redis.Redis) -> bool:
    """Whether no message is left anywhere."""
    return waiting(client) == 0 and unacknowledged(client) == 0


def steps_called(settings: Settings, head: Head) -> list[str]:
    return [line["agent"] for line in calls(settings, thought_id=str(head.thought_id))]


def test_chains_go_through_their_steps_whatever_happens_on_the_way(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    smooth = a_head(database, settings)
    retried = a_head(database, settings, "[[fail:analysis:transient:2]]" + SECRET)
    broken = a_head(database, settings, "[[fail:value_impact:permanent:1]]" + SECRET)
    worn_out = a_head(database, settings, "[[fail:priority:transient:*]]" + SECRET)
    heads = [smooth, retried, broken, worn_out]
    with a_worker(settings, tmp_path) as worker:
        send(settings, heads)
        eventually(lambda: all(is_over(database, head) for head in heads))
        eventually(lambda: is_quiet(redis_client))
        first_beat = worker.heartbeat_file.stat().st_mtime
        eventually(lambda: worker.heartbeat_file.stat().st_mtime > first_beat)
        worker.ask_to_end()
        assert worker.ended() == 0
    ends = [is_over(database, head) for head in heads]
    assert ends == ["completed", "completed", "failed", "failed"]
    assert steps_called(settings, smooth) == list(CATALOGUE.names)
    assert steps_called(settings, retried) == [CATALOGUE.names[0], *[CATALOGUE.names[1]] * 3, *CATALOGUE.names[2:]]
    assert steps_called(settings, broken) == list(CATALOGUE.names[:3])
    assert steps_called(settings, worn_out) == [*CATALOGUE.names[:4], *[CATALOGUE.names[4]] * 4]
    assert [len(dead_letters(database, head.thought_id)) for head in heads] == [0, 0, 1, 1]
    assert SECRET not in worker.log
    assert "Traceback" not in worker.log
    assert list(redis_client.scan_iter("celery-task-meta*")) == []


def test_messages_carry_no_word_of_the_thought(
    database: Database, settings: Settings, redis_client: redis.Redis
) -> None:
    head = a_head(database, settings)
    send(settings, [head])
    (message,) = redis_client.lrange("thoughts", 0, -1)
    assert str(head.thought_id).encode() in message
    assert SECRET.encode() not in message


def test_a_message_that_comes_again_during_its_call_is_dropped(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = a_head(database, settings, "[[delay:classification:3000]]")
    with a_worker(settings, tmp_path):
        send(settings, [head])
        eventually(lambda: calls(settings))
        send(settings, [head])
        eventually(lambda: waiting(redis_client) == 0 and unacknowledged(redis_client) == 1)
        assert calls(settings, "end") == []
        assert eventually(lambda: is_over(database, head)) == "completed"
    assert steps_called(settings, head) == list(CATALOGUE.names)
    assert [run.attempts for run in runs(database, head.thought_id)] == [1] * 5


def test_a_chain_outlives_a_redis_that_forgets_everything(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = a_head(database, settings, "[[delay:analysis:3000]]")
    with a_worker(settings, tmp_path):
        send(settings, [head])
        eventually(lambda: calls(settings, agent="analysis"))
        redis_client.flushdb()
        assert calls(settings, "end", agent="analysis") == []
        assert eventually(lambda: is_over(database, head)) == "completed"
    assert steps_called(settings, head) == list(CATALOGUE.names)


def test_flower_hears_of_every_task_also_after_the_broker_was_lost(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    events = TaskEvents(redis_client)
    with a_worker(settings, tmp_path):
        for _ in range(2):
            head = a_head(database, settings)
            send(settings, [head])
            kinds = ["task-received", "task-started", "task-succeeded"]
            ids = [
                f"{head.thought_id}-{head.dispatch_id}-{head.sends}-{step}"
                for step in range(1, len(CATALOGUE.names) + 1)
            ]
            expected = sorted((kind, each) for kind in kinds for each in ids)
            eventually(lambda: events.of(head) == expected, timeout=20)  # noqa: B023  it is asked at once
            cut_connections(redis_client)


def test_flower_hears_of_what_ends_while_the_worker_shuts_down(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    events, head = TaskEvents(redis_client), a_head(database, settings, "[[delay:classification:2000]]")
    with a_worker(settings, tmp_path) as worker:
        send(settings, [head])
        eventually(lambda: calls(settings))
        worker.ask_to_end()
        assert worker.ended() == 0
    first = f"{head.thought_id}-{head.dispatch_id}-{head.sends}-1"
    expected = [(kind, first) for kind in ("task-received", "task-started", "task-succeeded")]
    eventually(lambda: [told for told in events.of(head) if told[1] == first] == expected)


@contextmanager
def a_broker_that_can_refuse(client: redis.Redis, settings: Settings) -> Iterator[tuple[str, Callable[[str], None]]]:
    """The broker's address under a name of its own, and what changes that name's rights: a Redis that is full, or
    whose disk is, takes messages out and refuses to write, as one does here."""
    name, password = f"worker-{uuid4().hex[:8]}", uuid4().hex
    client.acl_setuser(name, enabled=True, passwords=[f"+{password}"], keys=["*"], channels=["*"], commands=["+@all"])
    place = urlsplit(settings.redis_url)
    address = place._replace(netloc=f"{name}:{password}@{place.hostname}:{place.port}").geturl()
    yield address, lambda rights: client.execute_command("ACL", "SETUSER", name, *rights.split())
    client.acl_deluser(name)


def test_a_worker_outlives_a_redis_that_refuses_to_write(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with a_broker_that_can_refuse(redis_client, settings) as (address, allow):
        of_worker = settings.model_copy(update={"celery_broker_url": address})
        with a_worker(of_worker, tmp_path) as worker:
            allow("-zadd -hset")
            lost = a_head(database, settings)
            send(settings, [lost])
            eventually(lambda: "Connection to broker lost" in worker.log)
            allow("+zadd +hset")
            head = a_head(database, settings)
            send(settings, [head])
            assert eventually(lambda: is_over(database, head)) == "completed"
            assert worker.process.poll() is None
    assert thought(database, lost.thought_id).attempts == 0


def test_a_worker_that_dies_in_a_call_has_counted_the_attempt(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    head = a_head(database, settings, "[[fail:classification:crash:1]]")
    with a_worker(settings, tmp_path) as worker:
        send(settings, [head])
        assert worker.ended() == 137
    row = thought(database, head.thought_id)
    assert (row.status, row.attempts, row.steps_done) == ("processing", 1, 0)
    assert row.call_id is not None


def test_what_killed_a_worker_is_done_by_solo_alone_and_goes_back_to_the_others(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = a_head(database, settings, "[[fail:classification:transient:1]]")
    alone = die_in_a_call(database, head.thought_id)
    assert alone.losses == 1
    with a_worker(settings, tmp_path, queues=SOLO_QUEUE, concurrency=1):
        send(settings, [alone])
        eventually(lambda: thought(database, head.thought_id).steps_done == 1)
        eventually(lambda: waiting(redis_client) == 1 and unacknowledged(redis_client) == 0)
    assert steps_called(settings, head) == [CATALOGUE.names[0]] * 2


@pytest.mark.parametrize(
    "overrides", [{"agent_timeout_seconds": 6.0, "lease_renew_seconds": 0.5, "scripted_call_log": "calls"}]
)
def test_a_worker_with_a_wedged_thread_lets_the_others_end_and_leaves(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"scripted_call_log": str(tmp_path / "calls")})
    hanging = a_head(database, settings, "[[fail:classification:hang:1]]")
    other = a_head(database, settings, "[[delay:classification:5000]]")
    late = a_head(database, settings)
    with a_worker(settings, tmp_path) as worker:
        send(settings, [hanging])
        (begun,) = eventually(lambda: calls(settings))
        eventually(lambda: time.time() - begun["time"] > 3.6)
        send(settings, [other])
        eventually(lambda: "overstays its deadline" in worker.log)
        send(settings, [late])
        assert worker.ended() == REPLACE_EXIT_STATUS
    assert steps_called(settings, late) == []
    assert steps_called(settings, other) == [CATALOGUE.names[0]]
    assert thought(database, other.thought_id).steps_done == 1
    row = thought(database, hanging.thought_id)
    assert (row.status, row.attempts, row.call_id is not None) == ("processing", 1, True)
    assert waiting(redis_client) == 2


def test_a_worker_whose_consumer_lost_its_queue_lets_its_call_end_and_leaves_the_message_to_another(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"lease_seconds": 4.0, "lease_renew_seconds": 1.0})
    running = a_head(database, settings, "[[delay:classification:3000]]")
    with a_worker(settings, tmp_path) as worker:
        send(settings, [running])
        eventually(lambda: calls(settings))
        create_app(settings).control.cancel_consumer("thoughts")
        eventually(lambda: thought(database, running.thought_id).steps_done == 1 and waiting(redis_client) == 1)
        assert worker.ended(timeout=90) == REPLACE_EXIT_STATUS
        assert "slots are free" in worker.log
    assert waiting(redis_client) == 1
    with a_worker(settings, tmp_path):
        assert eventually(lambda: is_over(database, running)) == "completed"


def test_a_worker_that_is_told_to_end_saves_its_call_and_another_goes_on(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"kafka_retry_backoff_ms": 4000})
    running = a_head(database, settings, "[[delay:classification:3000]]")
    put_back = a_head(database, settings, "[[fail:classification:transient:1]]")
    with a_worker(settings, tmp_path) as worker:
        send(settings, [running, put_back])
        eventually(lambda: len(calls(settings)) == 2 and calls(settings, "error"))
        eventually(lambda: thought(database, put_back.thought_id).not_before)
        worker.ask_to_end()
        assert worker.ended() == 0
    assert [line["thought_id"] for line in calls(settings, "end")] == [str(running.thought_id)]
    assert thought(database, running.thought_id).steps_done == 1
    assert waiting(redis_client) == 2
    with a_worker(settings, tmp_path):
        assert eventually(lambda: is_over(database, running)) == "completed"
        assert eventually(lambda: is_over(database, put_back)) == "completed"
    assert steps_called(settings, running) == list(CATALOGUE.names)
    assert steps_called(settings, put_back) == [CATALOGUE.names[0], *CATALOGUE.names]
