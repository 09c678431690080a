"""SIGTERM: a process takes no new work, finishes or hands over its work, and exits with status 0 in time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import pytest
from confluent_kafka.admin import AdminClient

from contracts.settings import Settings
from devstack.spec.layout import StackDir
from tests.eventually import eventually
from tests.faults.load import LoadGenerator
from tests.faults.readers import PostgresReader
from tests.faults.workload import AGENTS, verify_when_terminal
from tests.running_stack import Stack, new_id

STORES = {"postgres", "redis", "kafka"}
SHUTDOWN_LOG_LINE = "Warm shutdown"
"""What a Celery worker logs when it gets SIGTERM."""


@contextmanager
def running_load(stack: Stack) -> Iterator[LoadGenerator]:
    """Generate load during the block; all its requests are answered at the end."""
    load = LoadGenerator(stack.url, people=6, seed=11, pause=(1.0, 2.0))
    load.start()
    try:
        yield load
    finally:
        load.stop()


@pytest.mark.timeout(600)
def test_a_rolling_restart_of_all_processes_loses_no_thought_and_repeats_no_call(stack: Stack) -> None:
    names = [process["name"] for process in stack.initial_status["processes"] if process["kind"] not in STORES]
    with running_load(stack) as load:
        for name in names:
            stack.run_command("restart", name)
            assert (name, stack.last_exit(name)) == (name, 0)
            eventually(partial(stack.is_ready, name), timeout=60)
    findings = verify_when_terminal(stack, [(thought.user, thought.id) for thought in load.accepted])
    assert (findings.violations, findings.paid_twice, load.errors) == ([], 0, [])
    assert load.accepted


def test_a_worker_that_shuts_down_finishes_its_call_and_starts_no_other(stack: Stack) -> None:
    names = {stack.wait_for_pid(name): name for name in ("worker.1", "worker.2")}
    long = stack.post("Long [[delay:analysis:3000]]", new_id())["id"]
    entries = eventually(
        lambda: [entry for entry in stack.logged_calls() if entry["thought_id"] == long][2:]
    )  # the call of analysis has started
    pid = entries[0]["pid"]
    worker = names[pid]
    log = StackDir(stack.directory).log_file(worker)
    lines_before = log.read_text().count(SHUTDOWN_LOG_LINE)
    stopping = threading.Thread(target=stack.run_command, args=("stop", worker))
    stopping.start()
    eventually(lambda: log.read_text().count(SHUTDOWN_LOG_LINE) > lines_before)
    others = [stack.post("During the shutdown", new_id())["id"] for _ in range(10)]
    assert [stack.wait_until_terminal(thought)["status"] for thought in (long, *others)] == ["completed"] * 11
    stopping.join()
    assert stack.last_exit(worker) == 0
    assert stack.call_counts(long).total() == 5
    assert pid not in {entry["pid"] for entry in stack.logged_calls() if entry["thought_id"] in others}
    stack.run_command("start", worker)


def test_a_bridge_that_shuts_down_hands_over_its_running_chains(stack: Stack) -> None:
    """Each bridge has some of the three partitions, and each partition some of the lines."""
    eventually(lambda: partition_counts(stack) == [1, 2], timeout=60)
    users = [str(UUID(int=number)) for number in range(8)]
    slow = " ".join(f"[[delay:{agent}:5000]]" for agent in ("analysis", "value_impact", "action_plan", "priority"))
    text = f"Handed over {slow}"
    thoughts = [stack.post(text, user)["id"] for user in users]
    eventually(lambda: all(stack.call_counts(thought)["analysis"] for thought in thoughts))
    stack.run_command("stop", "bridge.1")
    try:
        assert stack.last_exit("bridge.1") == 0
        eventually(lambda: partition_counts(stack) == [3])
        is_open = [stack.thought(thought)["status"] == "processing" for thought in thoughts]
        assert any(is_open), "the work ended before the handover"
        assert [stack.wait_until_terminal(thought)["status"] for thought in thoughts] == ["completed"] * 8
    finally:
        stack.run_command("start", "bridge.1")
    assert [stack.call_counts(thought).total() for thought in thoughts] == [AGENTS] * 8
    assert dispatches(stack, thoughts) == {(1, 0), (1, 1), (1, 2)}


def partition_counts(stack: Stack) -> list[int]:
    """Return how many partitions each bridge has, as Kafka describes the group."""
    group = Settings.model_fields["kafka_consumer_group"].default
    admin = AdminClient({"bootstrap.servers": stack.initial_status["kafka_bootstrap"]})
    members = admin.describe_consumer_groups([group])[group].result(20).members
    return sorted(len(member.assignment.topic_partitions) for member in members)


def dispatches(stack: Stack, thoughts: list[str]) -> set[tuple[int, int]]:
    """Return the dispatch ids of the thoughts, each with the partition of its record."""
    reader = PostgresReader(stack.initial_status["database_url"])
    statement = "SELECT dispatch_id, origin->'partition' FROM thoughts WHERE id = ANY (%s::uuid[])"
    rows = reader.rows(statement, thoughts)
    reader.close()
    return {(dispatch_id, partition) for dispatch_id, partition in rows}


@pytest.mark.parametrize(
    ("store", "names"), [("kafka", ["bridge.1", "relay.1", "web.1"]), ("redis", ["bridge.1", "worker.1", "web.1"])]
)
def test_processes_shut_down_gracefully_while_a_store_is_unavailable(
    stack: Stack, store: str, names: list[str]
) -> None:
    thoughts = [stack.post("Before the outage", new_id())["id"] for _ in range(4)]
    stack.run_command("stop", store)
    try:
        for name in names:
            stack.run_command("stop", name)
            assert (name, stack.last_exit(name)) == (name, 0)
    finally:
        stack.run_command("start", store)
        for name in names:
            stack.run_command("start", name)
    eventually(lambda: all(stack.process(name)["ready"] for name in names), timeout=60)
    assert [stack.wait_until_terminal(thought, timeout=90)["status"] for thought in thoughts] == ["completed"] * 4
    assert [stack.call_counts(thought).total() for thought in thoughts] == [5] * 4
