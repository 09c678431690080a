"""Batch mode on a real stack, and from one mode to the other at any time: nothing lost, nothing twice, order kept."""

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
from tests.ports import free_base
from tests.running_stack import Stack, somebody
from tests.stores import devstack, require_up, walkable_directory

KAFKA = {"KAFKA_ENABLED": "true"}
NO_KAFKA = {"KAFKA_ENABLED": "false"}
EMITTED = {"KAFKA_ENABLED": "true", "KAFKA_MODE": "false"}
"""Thoughts go to Kafka, and the background works in batches."""

QUICK = {
    "AI_PROVIDER": "scripted",
    "ALLOW_SCRIPTED": "true",
    "LEASE_SECONDS": "8",
    "LEASE_RENEW_SECONDS": "2",
    "AGENT_TIMEOUT_SECONDS": "6",
}
AGENTS = ["classification", "analysis", "value_impact", "action_plan", "priority"]
TONIGHT = "Will be analyzed tonight..."

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A directory for a stack, not yet up."""
    with walkable_directory() as directory:
        yield Stack(directory / "stack", directory / "calls.jsonl")


@pytest.fixture
def base() -> int:
    return free_base()


@contextmanager
def up(stack: Stack, base: int, mode: dict[str, str], scale: str = "beat=0,flower=0") -> Iterator[None]:
    """The stack in a mode; what was written is kept for the next one."""
    chosen = QUICK | mode | {"SCRIPTED_CALL_LOG": str(stack.call_log)}
    words = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
    place = ("--dir", str(stack.directory), "--port-base", str(base), "--kafka", "apache", "--detach")
    try:
        require_up(devstack("up", *place, *words, "--scale", scale))
        stack.status_then = stack.status()
        yield
    finally:
        devstack("down", "--dir", str(stack.directory))


def ask(stack: Stack, statement: str, *parameters: object) -> list[Any]:
    connection = psycopg2.connect(stack.status_then["database_url"])
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def batch(stack: Stack, *words: str) -> str:
    """`python -m tasks batch` with this stack's addresses; what it said."""
    done = devstack("run", "--dir", str(stack.directory), "tasks", "batch", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kinds(stack: Stack) -> set[str]:
    return {process["kind"] for process in stack.status()["processes"]}


def write(stack: Stack, lines: dict[str, list[str]], each: int, text: str, message: str) -> None:
    """Everybody writes so many more thoughts, in turn, and is told what happens with them."""
    for number in range(each):
        for person, thoughts in lines.items():
            accepted = stack.post(f"{text} {number}", person)
            assert message in accepted["message"]
            thoughts.append(accepted["id"])


def statuses(stack: Stack, lines: dict[str, list[str]]) -> set[str]:
    return {stack.thought(thought)["status"] for line in lines.values() for thought in line}


def all_done_in_order(stack: Stack, lines: dict[str, list[str]]) -> int:
    """Every thought completed, each person's in the order of writing; how many calls were paid beyond one a step."""
    for line in lines.values():
        assert [stack.ended(thought, timeout=120)["status"] for thought in line] == ["completed"] * len(line)
        spans = stack.spans(line)
        assert all(spans[earlier][1] <= spans[later][0] for earlier, later in pairwise(line))
    return sum(stack.starts(thought).total() - len(AGENTS) for line in lines.values() for thought in line)


def test_from_one_mode_to_the_other_and_back_nothing_is_lost_and_nothing_done_twice(stack: Stack, base: int) -> None:
    lines: dict[str, list[str]] = {somebody(): [] for _ in range(3)}
    with up(stack, base, NO_KAFKA):
        assert "kafka" not in kinds(stack)
        write(stack, lines, 2, "Written without a Kafka", TONIGHT)
        assert statuses(stack, lines) == {"pending"}
        # as old as what the sweep rings for; it looks when the relay starts, and every minute
        ask(stack, "UPDATE thoughts SET created_at = created_at - interval '10 min'")
    with up(stack, base, KAFKA | {"LEASE_SECONDS": "120", "AGENT_TIMEOUT_SECONDS": "120"}):
        assert all_done_in_order(stack, lines) == 0
        workers = [stack.pid(name) for name in ("worker.1", "solo.1")]
        write(stack, lines, 3, "In flight [[delay:analysis:3000]]", "started")
        eventually(lambda: all(stack.starts(line[2])["analysis"] for line in lines.values()), timeout=60)
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)  # until the stack goes down; then each ends its call
        assert {"processing", "pending"} <= statuses(stack, lines)
    with up(stack, base, NO_KAFKA):
        write(stack, lines, 1, "Once more without", TONIGHT)
        assert "has ended" in batch(stack)
        assert statuses(stack, lines) == {"completed"}
        assert all_done_in_order(stack, lines) == 0
        write(stack, lines, 1, "Left for the next mode", TONIGHT)
    with up(stack, base, EMITTED):
        assert "kafka" in kinds(stack)
        write(stack, lines, 1, "Emitted, and left for tonight", TONIGHT)
        eventually(lambda: ask(stack, "SELECT count(*) FROM outbox") == [(0,)])
        assert "pending" in statuses(stack, lines)
        assert "has ended: 6 thoughts." in batch(stack)
        write(stack, lines, 1, "Emitted, and left in Kafka's log", TONIGHT)
    with up(stack, base, KAFKA):
        write(stack, lines, 1, "After all that", "started")
        assert all_done_in_order(stack, lines) == 0


def test_a_batch_outlives_its_bridge_its_worker_and_a_redis_that_forgets(stack: Stack, base: int) -> None:
    lines: dict[str, list[str]] = {somebody(): [] for _ in range(6)}
    with up(stack, base, NO_KAFKA, "bridge=2,worker=2,beat=0,flower=0"):
        write(stack, lines, 2, "In the night [[delay:analysis:3000]]", TONIGHT)
        poison = stack.post("Poison [[fail:classification:permanent:*]]", somebody())["id"]
        victims = [stack.pid(name) for name in ("bridge.1", "worker.1")]
        batch(stack, "--detach")
        late = stack.post("Written after it was asked for", somebody())["id"]
        eventually(lambda: stack.starts(next(iter(lines.values()))[0])["analysis"], timeout=60)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        redis.Redis.from_url(stack.status_then["redis_url"]).flushall()
        assert ask(stack, "SELECT count(*) FROM batches WHERE ended_at IS NULL") == [(1,)]
        assert all_done_in_order(stack, lines) <= len(lines)
        eventually(lambda: ask(stack, "SELECT count(*) FROM batches WHERE ended_at IS NULL") == [(0,)], timeout=60)
        assert stack.thought(poison)["error"]["kind"] == "permanent"
        assert stack.thought(late)["status"] == "pending"
        assert ask(
            stack,
            "SELECT bool_and(t.finished_at <= b.ended_at) FROM batches b, thoughts t WHERE t.created_at <= b.asked_at",
        ) == [(True,)]


def test_beat_starts_the_batch_by_its_schedule(stack: Stack, base: int) -> None:
    with up(stack, base, NO_KAFKA | {"BATCH_SCHEDULE": "* * * * *"}, "flower=0"):
        accepted = stack.post("Tonight is every minute", somebody())
        os.kill(stack.pid("redis.1"), signal.SIGKILL)  # beat needs none for it
        assert stack.ended(accepted["id"], timeout=120)["status"] == "completed"
