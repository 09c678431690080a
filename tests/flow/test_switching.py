"""Batch mode, and switches between the modes at any time, on a real stack: every thought runs once and in order."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import psycopg2
import pytest
import redis

from tests.eventually import eventually
from tests.ports import free_port_base
from tests.running_stack import Stack, new_id
from tests.stores import devstack, require_up, traversable_directory

KAFKA = {"KAFKA_ENABLED": "true"}
NO_KAFKA = {"KAFKA_ENABLED": "false"}
KAFKA_BATCHES = {"KAFKA_ENABLED": "true", "KAFKA_MODE": "false"}
"""Thoughts are published to Kafka, and processed in batches."""

SHORT_TIMEOUTS = {
    "AI_PROVIDER": "scripted",
    "ALLOW_SCRIPTED": "true",
    "LEASE_SECONDS": "8",
    "LEASE_RENEW_SECONDS": "2",
    "AGENT_TIMEOUT_SECONDS": "6",
}
AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]
TONIGHT_MESSAGE = "Will be analyzed tonight..."

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A stack that has a directory and is not started yet."""
    with traversable_directory() as directory:
        yield Stack(directory / "stack", directory / "calls.jsonl")


@pytest.fixture
def port_base() -> int:
    return free_port_base()


@contextmanager
def running(stack: Stack, port_base: int, mode: dict[str, str], scale: str = "flower=0") -> Iterator[None]:
    """Run the stack in a mode; its data is kept for the next mode."""
    settings = SHORT_TIMEOUTS | mode | {"SCRIPTED_CALL_LOG": str(stack.call_log)}
    set_options = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
    location = ("--dir", str(stack.directory), "--port-base", str(port_base), "--kafka", "apache", "--detach")
    try:
        require_up(devstack("up", *location, *set_options, "--scale", scale))
        stack.initial_status = stack.status()
        yield
    finally:
        devstack("down", "--dir", str(stack.directory))


def query(stack: Stack, statement: str, *parameters: object) -> list[Any]:
    connection = psycopg2.connect(stack.initial_status["database_url"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def run_batch(stack: Stack, *arguments: str) -> str:
    """Run `python -m tasks batch` in this stack and return its output."""
    result = devstack("run", "--dir", str(stack.directory), "tasks", "batch", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def process_kinds(stack: Stack) -> set[str]:
    return {process["kind"] for process in stack.status()["processes"]}


def submit(stack: Stack, lines: dict[str, list[str]], count: int, text: str, message: str) -> None:
    """Submit `count` more thoughts for each user, one after the other, and check the message of each response."""
    for number in range(count):
        for user, thoughts in lines.items():
            accepted = stack.post(f"{text} {number}", user)
            assert message in accepted["message"]
            thoughts.append(accepted["id"])


def statuses(stack: Stack, lines: dict[str, list[str]]) -> set[str]:
    return {stack.thought(thought)["status"] for line in lines.values() for thought in line}


def check_completed_in_order(stack: Stack, lines: dict[str, list[str]]) -> int:
    """Check that every thought completes, each user's in order; return the number of calls beyond one for each step."""
    for line in lines.values():
        thoughts = [stack.wait_until_terminal(thought, timeout=120) for thought in line]
        assert [thought["status"] for thought in thoughts] == ["completed"] * len(line)
        spans = stack.call_spans(line)
        assert all(spans[earlier][1] <= spans[later][0] for earlier, later in pairwise(line))
    return sum(stack.call_counts(thought).total() - len(AGENTS) for line in lines.values() for thought in line)


def test_switching_the_modes_loses_no_thought_and_repeats_no_call(stack: Stack, port_base: int) -> None:
    lines: dict[str, list[str]] = {new_id(): [] for _ in range(3)}
    with running(stack, port_base, NO_KAFKA):
        assert "kafka" not in process_kinds(stack)
        submit(stack, lines, 2, "Submitted without Kafka", TONIGHT_MESSAGE)
        assert statuses(stack, lines) == {"pending"}
        # old enough for the sweep, which runs when the relay starts and every minute
        query(stack, "UPDATE thoughts SET created_at = created_at - interval '10 min'")
    with running(stack, port_base, KAFKA | {"LEASE_SECONDS": "120", "AGENT_TIMEOUT_SECONDS": "120"}):
        assert check_completed_in_order(stack, lines) == 0
        workers = [stack.wait_for_pid(name) for name in ("worker.1", "solo.1")]
        submit(stack, lines, 3, "In flight [[delay:analysis:3000]]", "started")
        eventually(lambda: all(stack.call_counts(line[2])["analysis"] for line in lines.values()), timeout=60)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)  # until the stack stops; then each finishes its call
        assert {"processing", "pending"} <= statuses(stack, lines)
    with running(stack, port_base, NO_KAFKA):
        submit(stack, lines, 1, "Again without Kafka", TONIGHT_MESSAGE)
        assert "has ended" in run_batch(stack)
        assert statuses(stack, lines) == {"completed"}
        assert check_completed_in_order(stack, lines) == 0
        submit(stack, lines, 1, "For the next mode", TONIGHT_MESSAGE)
    with running(stack, port_base, KAFKA_BATCHES):
        assert "kafka" in process_kinds(stack)
        submit(stack, lines, 1, "Published, and for tonight", TONIGHT_MESSAGE)
        eventually(lambda: query(stack, "SELECT count(*) FROM outbox") == [(0,)])
        assert "pending" in statuses(stack, lines)
        assert "has ended: 6 thoughts." in run_batch(stack)
        submit(stack, lines, 1, "Published, and not yet consumed", TONIGHT_MESSAGE)
    with running(stack, port_base, KAFKA):
        submit(stack, lines, 1, "After all switches", "started")
        assert check_completed_in_order(stack, lines) == 0


def test_a_batch_completes_although_its_bridge_and_worker_are_killed_and_redis_is_flushed(
    stack: Stack, port_base: int
) -> None:
    lines: dict[str, list[str]] = {new_id(): [] for _ in range(6)}
    with running(stack, port_base, NO_KAFKA, "bridge=2,worker=2,flower=0"):
        submit(stack, lines, 2, "Nightly [[delay:analysis:3000]]", TONIGHT_MESSAGE)
        failing = stack.post("Permanent failure [[fail:classification:permanent:*]]", new_id())["id"]
        pids = [stack.wait_for_pid(name) for name in ("bridge.1", "worker.1")]
        run_batch(stack, "--detach")
        late = stack.post("Submitted after the request", new_id())["id"]
        eventually(lambda: stack.call_counts(next(iter(lines.values()))[0])["analysis"], timeout=60)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        redis.Redis.from_url(stack.initial_status["redis_url"]).flushall()
        assert query(stack, "SELECT count(*) FROM batches WHERE ended_at IS NULL") == [(1,)]
        assert check_completed_in_order(stack, lines) <= len(lines)
        eventually(lambda: query(stack, "SELECT count(*) FROM batches WHERE ended_at IS NULL") == [(0,)], timeout=60)
        assert stack.thought(failing)["error"]["kind"] == "permanent"
        assert stack.thought(late)["status"] == "pending"
        assert query(
            stack,
            "SELECT bool_and(t.finished_at <= b.ended_at) FROM batches b, thoughts t WHERE t.created_at <= b.asked_at",
        ) == [(True,)]


def test_beat_starts_the_batch_at_its_scheduled_time_without_redis(stack: Stack, port_base: int) -> None:
    with running(stack, port_base, NO_KAFKA | {"BATCH_SCHEDULE": "* * * * *"}, "flower=0"):
        accepted = stack.post("Tonight is every minute", new_id())
        os.kill(stack.wait_for_pid("redis.1"), signal.SIGKILL)  # beat needs no Redis for it
        assert stack.wait_until_terminal(accepted["id"], timeout=120)["status"] == "completed"
