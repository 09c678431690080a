"""A real Celery worker on a real Redis: chains, duplicate messages, failures and shutdowns."""

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
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE, queue_keys
from contracts.settings import Settings
from tasks.application import create_app
from tasks.watchdog import REPLACE_EXIT_STATUS
from tests.eventually import eventually
from tests.tasks.thoughts import (
    SECRET,
    accept_thought,
    agent_run_rows,
    dead_letter_rows,
    dispatch_head,
    lose_worker_in_call,
    thought_row,
)
from tests.tasks.worker_processes import (
    TaskEvents,
    call_log_lines,
    count_queued,
    count_unacknowledged,
    dispatch,
    kill_connections,
    running_worker,
)


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls"), "kafka_retry_backoff_ms": 40}


def new_head(database: Database, settings: Settings, thought_text: str = SECRET) -> Head:
    """Accept and dispatch a new thought; return it as the head of its line."""
    return dispatch_head(database, accept_thought(database, settings, thought_text))


def terminal_status(database: Database, head: Head) -> str | None:
    """Return the status of a terminal thought, None for any other."""
    row = thought_row(database, head.thought_id)
    return str(row.status) if row.finished_at else None


def has_no_messages(client: redis.Redis) -> bool:
    """Return whether no message is queued or unacknowledged."""
    return count_queued(client) == 0 and count_unacknowledged(client) == 0


def called_agents(settings: Settings, head: Head) -> list[str]:
    """Return the agents that were called for a thought, in the order of the calls."""
    return [line["agent"] for line in call_log_lines(settings, thought_id=str(head.thought_id))]


def test_a_worker_runs_chains_to_their_end_with_retries_and_failures(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    successful = new_head(database, settings)
    retried = new_head(database, settings, "[[fail:analysis:transient:2]]" + SECRET)
    failing = new_head(database, settings, "[[fail:value_impact:permanent:1]]" + SECRET)
    exhausted = new_head(database, settings, "[[fail:priority:transient:*]]" + SECRET)
    heads = [successful, retried, failing, exhausted]
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, heads)
        eventually(lambda: all(terminal_status(database, head) for head in heads))
        eventually(lambda: has_no_messages(redis_client))
        touched_at = worker.heartbeat_file.stat().st_mtime
        eventually(lambda: worker.heartbeat_file.stat().st_mtime > touched_at)
        worker.send_sigterm()
        assert worker.wait_for_exit() == 0
    statuses = [terminal_status(database, head) for head in heads]
    assert statuses == ["completed", "completed", "failed", "failed"]
    assert called_agents(settings, successful) == list(CATALOGUE.names)
    assert called_agents(settings, retried) == [CATALOGUE.names[0], *[CATALOGUE.names[1]] * 3, *CATALOGUE.names[2:]]
    assert called_agents(settings, failing) == list(CATALOGUE.names[:3])
    assert called_agents(settings, exhausted) == [*CATALOGUE.names[:4], *[CATALOGUE.names[4]] * 4]
    assert [len(dead_letter_rows(database, head.thought_id)) for head in heads] == [0, 0, 1, 1]
    assert SECRET not in worker.log
    assert "Traceback" not in worker.log
    assert list(redis_client.scan_iter("celery-task-meta*")) == []


def test_messages_do_not_contain_the_text_of_the_thought(
    database: Database, settings: Settings, redis_client: redis.Redis
) -> None:
    head = new_head(database, settings)
    dispatch(settings, [head])
    keys = queue_keys(settings.redis_prefix, THOUGHTS_QUEUE)
    (message,) = [raw for key in keys for raw in redis_client.lrange(key, 0, -1)]
    assert str(head.thought_id).encode() in message
    assert SECRET.encode() not in message


def test_a_duplicate_message_during_the_call_is_dropped(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = new_head(database, settings, "[[delay:classification:3000]]")
    with running_worker(settings, tmp_path):
        dispatch(settings, [head])
        eventually(lambda: call_log_lines(settings))
        dispatch(settings, [head])
        eventually(lambda: count_queued(redis_client) == 0 and count_unacknowledged(redis_client) == 1)
        assert call_log_lines(settings, "end") == []
        assert eventually(lambda: terminal_status(database, head)) == "completed"
    assert called_agents(settings, head) == list(CATALOGUE.names)
    assert [run.attempts for run in agent_run_rows(database, head.thought_id)] == [1] * 5


def test_a_chain_continues_after_redis_has_lost_everything(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = new_head(database, settings, "[[delay:analysis:3000]]")
    with running_worker(settings, tmp_path):
        dispatch(settings, [head])
        eventually(lambda: call_log_lines(settings, agent="analysis"))
        redis_client.flushdb()
        assert call_log_lines(settings, "end", agent="analysis") == []
        assert eventually(lambda: terminal_status(database, head)) == "completed"
    assert called_agents(settings, head) == list(CATALOGUE.names)


def test_a_worker_sends_the_events_of_every_task_also_after_a_lost_broker_connection(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    task_events = TaskEvents(redis_client)
    with running_worker(settings, tmp_path):
        for _ in range(2):
            head = new_head(database, settings)
            dispatch(settings, [head])
            kinds = ["task-received", "task-started", "task-succeeded"]
            ids = [
                f"{head.thought_id}-{head.dispatch_id}-{head.sends}-{step}"
                for step in range(1, len(CATALOGUE.names) + 1)
            ]
            expected = sorted((kind, task_id) for kind in kinds for task_id in ids)
            eventually(lambda: task_events.events_of(head) == expected, timeout=20)  # noqa: B023  it is called at once
            kill_connections(redis_client)


def test_a_worker_sends_the_events_of_tasks_that_end_during_its_shutdown(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    task_events, head = TaskEvents(redis_client), new_head(database, settings, "[[delay:classification:2000]]")
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, [head])
        eventually(lambda: call_log_lines(settings))
        worker.send_sigterm()
        assert worker.wait_for_exit() == 0
    first_task_id = f"{head.thought_id}-{head.dispatch_id}-{head.sends}-1"
    expected = [(kind, first_task_id) for kind in ("task-received", "task-started", "task-succeeded")]
    eventually(lambda: [event for event in task_events.events_of(head) if event[1] == first_task_id] == expected)


@contextmanager
def restricted_broker(client: redis.Redis, settings: Settings) -> Iterator[tuple[str, Callable[[str], None]]]:
    """Yield the broker's URL with a Redis user of its own, and a function that changes this user's permissions.

    Without permission to write, Redis delivers messages and rejects writes, as it does when its memory or disk is full.
    """
    name, password = f"worker-{uuid4().hex[:8]}", uuid4().hex
    client.acl_setuser(name, enabled=True, passwords=[f"+{password}"], keys=["*"], channels=["*"], commands=["+@all"])
    parts = urlsplit(settings.redis_url)
    url = parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}").geturl()
    yield url, lambda permissions: client.execute_command("ACL", "SETUSER", name, *permissions.split())
    client.acl_deluser(name)


def test_a_worker_survives_a_redis_that_rejects_writes(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with restricted_broker(redis_client, settings) as (url, set_permissions):
        restricted_settings = settings.model_copy(update={"celery_broker_url": url})
        with running_worker(restricted_settings, tmp_path) as worker:
            set_permissions("-zadd -hset")
            refused = new_head(database, settings)
            dispatch(settings, [refused])
            eventually(lambda: "Redis refuses a command, this worker waits" in worker.log)
            set_permissions("+zadd +hset")
            head = new_head(database, settings)
            dispatch(settings, [head])
            for dispatched in (refused, head):
                eventually(lambda: terminal_status(database, dispatched) == "completed")  # noqa: B023  it is called at once
            assert worker.process.poll() is None


def test_the_attempt_is_counted_when_a_worker_dies_in_the_call(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    head = new_head(database, settings, "[[fail:classification:crash:1]]")
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, [head])
        assert worker.wait_for_exit() == 137
    row = thought_row(database, head.thought_id)
    assert (row.status, row.attempts, row.steps_done) == ("processing", 1, 0)
    assert row.call_id is not None


def test_the_solo_worker_runs_only_the_step_that_killed_its_worker(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    head = new_head(database, settings, "[[fail:classification:transient:1]]")
    solo_head = lose_worker_in_call(database, head.thought_id)
    assert solo_head.losses == 1
    with running_worker(settings, tmp_path, queues=SOLO_QUEUE, concurrency=1):
        dispatch(settings, [solo_head])
        eventually(lambda: thought_row(database, head.thought_id).steps_done == 1)
        eventually(lambda: count_queued(redis_client) == 1 and count_unacknowledged(redis_client) == 0)
    assert called_agents(settings, head) == [CATALOGUE.names[0]] * 2


@pytest.mark.parametrize(
    "overrides", [{"agent_timeout_seconds": 6.0, "lease_renew_seconds": 0.5, "scripted_call_log": "calls"}]
)
def test_a_worker_with_a_stuck_thread_exits_after_its_other_steps(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"scripted_call_log": str(tmp_path / "calls")})
    hanging = new_head(database, settings, "[[fail:classification:hang:1]]")
    other = new_head(database, settings, "[[delay:classification:5000]]")
    queued = new_head(database, settings)
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, [hanging])
        (start,) = eventually(lambda: call_log_lines(settings))
        eventually(lambda: time.time() - start["time"] > 3.6)
        dispatch(settings, [other])
        eventually(lambda: "ignores its cancellation" in worker.log)
        dispatch(settings, [queued])
        assert worker.wait_for_exit() == REPLACE_EXIT_STATUS
    assert called_agents(settings, queued) == []
    assert called_agents(settings, other) == [CATALOGUE.names[0]]
    assert thought_row(database, other.thought_id).steps_done == 1
    row = thought_row(database, hanging.thought_id)
    assert (row.status, row.attempts, row.call_id is not None) == ("processing", 1, True)
    assert count_queued(redis_client) == 2


def test_a_worker_whose_consumer_lost_its_queue_ends_its_call_and_leaves_the_message_to_another(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"lease_seconds": 4.0, "lease_renew_seconds": 1.0})
    running = new_head(database, settings, "[[delay:classification:3000]]")
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, [running])
        eventually(lambda: call_log_lines(settings))
        create_app(settings).control.cancel_consumer("thoughts")
        eventually(
            lambda: thought_row(database, running.thought_id).steps_done == 1 and count_queued(redis_client) == 1
        )
        assert worker.wait_for_exit(timeout=90) == REPLACE_EXIT_STATUS
        assert "slots are free" in worker.log
    assert count_queued(redis_client) == 1
    with running_worker(settings, tmp_path):
        assert eventually(lambda: terminal_status(database, running)) == "completed"


def test_a_worker_saves_its_call_during_shutdown_and_another_worker_continues(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"kafka_retry_backoff_ms": 4000})
    running = new_head(database, settings, "[[delay:classification:3000]]")
    requeued = new_head(database, settings, "[[fail:classification:transient:1]]")
    with running_worker(settings, tmp_path) as worker:
        dispatch(settings, [running, requeued])
        eventually(lambda: len(call_log_lines(settings)) == 2 and call_log_lines(settings, "error"))
        eventually(lambda: thought_row(database, requeued.thought_id).not_before)
        worker.send_sigterm()
        assert worker.wait_for_exit() == 0
    assert [line["thought_id"] for line in call_log_lines(settings, "end")] == [str(running.thought_id)]
    assert thought_row(database, running.thought_id).steps_done == 1
    assert count_queued(redis_client) == 2
    with running_worker(settings, tmp_path):
        assert eventually(lambda: terminal_status(database, running)) == "completed"
        assert eventually(lambda: terminal_status(database, requeued)) == "completed"
    assert called_agents(settings, running) == list(CATALOGUE.names)
    assert called_agents(settings, requeued) == [CATALOGUE.names[0], *CATALOGUE.names]
