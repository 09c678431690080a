"""A real worker whose Redis user lacks a right: it says which once, waits, and works when the right is granted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from contracts.database import Database
from contracts.presence import Presence
from contracts.settings import Settings
from tests.eventually import eventually
from tests.tasks.broker.test_junk import complete_a_thought
from tests.tasks.test_celery_worker import new_head, restricted_broker, terminal_status
from tests.tasks.worker_processes import WorkerProcess, count_unacknowledged, dispatch, running_worker


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {"scripted_call_log": str(tmp_path / "calls")}


@pytest.mark.parametrize(
    ("taken", "granted", "line"),
    [
        ("resetchannels", "&*", "ACL SETUSER <its user> &*"),
        ("-brpop", "+brpop", "ACL SETUSER <its user> +brpop"),
        ("resetkeys", "~*", "ACL SETUSER <its user> ~*"),
        ("-ping", "+ping", "ACL SETUSER <its user> +ping"),
        ("off", "on", "correct the user and the password in REDIS_URL"),
        ("-evalsha", "+evalsha", "ACL SETUSER <its user> +evalsha"),
    ],
)
def test_a_worker_names_the_missing_right_once_and_works_when_it_is_granted(
    database: Database,
    settings: Settings,
    redis_client: redis.Redis,
    tmp_path: Path,
    taken: str,
    granted: str,
    line: str,
) -> None:
    with restricted_broker(redis_client, settings) as (url, set_permissions):
        set_permissions(taken)
        worker = WorkerProcess(settings.model_copy(update={"celery_broker_url": url}), tmp_path)
        try:
            eventually(lambda: line in worker.log, timeout=40)
            set_permissions(granted)
            complete_a_thought(database, settings)
            assert worker.process.poll() is None
            named = [entry.partition(" ")[2] for entry in worker.log.splitlines() if line in entry]  # without the time
            assert len(named) == len(set(named)), "each place says it once"
            assert "Traceback" not in worker.log
            assert "Frequent restarts" not in worker.log
        finally:
            worker.process.kill()
            worker.process.wait()


def test_a_next_step_that_redis_does_not_take_costs_one_line_and_is_sent_again_later(
    database: Database, settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    with restricted_broker(redis_client, settings) as (url, set_permissions):
        restricted_settings = settings.model_copy(update={"celery_broker_url": url})
        with running_worker(restricted_settings, tmp_path) as worker:
            set_permissions("-lpush")
            head = new_head(database, settings)
            dispatch(settings, [head])
            eventually(lambda: "a step is sent again when its lease expires" in worker.log)
            eventually(lambda: count_unacknowledged(redis_client) == 0)
            set_permissions("+lpush")
            dispatch(settings, [replace(head, steps_done=1)])  # as a bridge does when the lease has expired
            assert eventually(lambda: terminal_status(database, head)) == "completed"
            assert worker.log.count("ACL SETUSER <its user> +lpush") == 1
            assert "Traceback" not in worker.log


def test_a_worker_that_redis_gives_no_message_is_reported_as_blocked_until_it_does(
    settings: Settings, redis_client: redis.Redis, tmp_path: Path
) -> None:
    def is_blocked() -> list[bool]:
        return [process.report.is_blocked for process in Presence(redis_client, settings.redis_prefix).read()]

    with restricted_broker(redis_client, settings) as (url, set_permissions):
        worker = WorkerProcess(settings.model_copy(update={"celery_broker_url": url}), tmp_path)
        try:
            eventually(lambda: is_blocked() == [False], timeout=40)
            set_permissions("-brpop")
            eventually(lambda: is_blocked() == [True])
            set_permissions("+brpop")
            eventually(lambda: is_blocked() == [False])
        finally:
            worker.process.kill()
            worker.process.wait()
