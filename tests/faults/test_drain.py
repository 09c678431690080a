"""SIGTERM: nothing new is taken, what runs is finished or handed over, and the process ends well in its time."""

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
from tests.faults.facts import PostgreSQL
from tests.faults.load import People
from tests.faults.work import AGENTS, verdict
from tests.running_stack import Stack, somebody

STORES = {"postgres", "redis", "kafka"}
LEAVES = "Warm shutdown"
"""What a Celery worker writes when it has heard SIGTERM."""


@contextmanager
def people_writing(stack: Stack) -> Iterator[People]:
    """Some people write until the end of the block, and are answered then."""
    people = People(stack.url, number=6, seed=11, pause=(1.0, 2.0))
    people.start()
    try:
        yield people
    finally:
        people.stop()


@pytest.mark.timeout(600)
def test_a_rolling_restart_of_everything_loses_nothing_and_makes_no_call_twice(stack: Stack) -> None:
    names = [process["name"] for process in stack.status_then["processes"] if process["kind"] not in STORES]
    with people_writing(stack) as people:
        for name in names:
            stack.command("restart", name)
            assert (name, stack.last_exit(name)) == (name, 0)
            eventually(partial(stack.is_ready, name), timeout=60)
    found = verdict(stack, [(each.user, each.id) for each in people.accepted])
    assert (found.breaches, found.paid_twice, people.wrong) == ([], 0, [])
    assert people.accepted


def test_a_worker_that_is_told_to_end_ends_its_call_and_begins_no_other(stack: Stack) -> None:
    pids = {stack.pid(name): name for name in ("worker.1", "worker.2")}
    long = stack.post("Long [[delay:analysis:3000]]", somebody())["id"]
    begun = eventually(lambda: [call for call in stack.calls() if call["thought_id"] == long][2:])  # analysis has begun
    pid = begun[0]["pid"]
    leaving = pids[pid]
    log = StackDir(stack.directory).log(leaving)
    earlier = log.read_text().count(LEAVES)
    stopping = threading.Thread(target=stack.command, args=("stop", leaving))
    stopping.start()
    eventually(lambda: log.read_text().count(LEAVES) > earlier)
    others = [stack.post("While it ends", somebody())["id"] for _ in range(10)]
    assert [stack.ended(thought)["status"] for thought in (long, *others)] == ["completed"] * 11
    stopping.join()
    assert stack.last_exit(leaving) == 0
    assert stack.starts(long).total() == 5
    assert pid not in {call["pid"] for call in stack.calls() if call["thought_id"] in others}
    stack.command("start", leaving)


def test_a_bridge_that_is_told_to_end_hands_over_live_chains(stack: Stack) -> None:
    """Each bridge has some of the three partitions, and each partition some of the lines."""
    eventually(lambda: shares(stack) == [1, 2], timeout=60)
    users = [str(UUID(int=number)) for number in range(8)]
    wish = "Handed over [[delay:analysis:5000]] [[delay:value_impact:5000]] [[delay:action_plan:5000]]"
    posted = [stack.post(wish, user)["id"] for user in users]
    eventually(lambda: all(stack.starts(thought)["analysis"] for thought in posted))
    stack.command("stop", "bridge.1")
    assert stack.last_exit("bridge.1") == 0
    eventually(lambda: shares(stack) == [3])
    assert all(stack.starts(thought).total() < AGENTS for thought in posted), "all was done before the other one had it"
    assert [stack.ended(thought)["status"] for thought in posted] == ["completed"] * 8
    stack.command("start", "bridge.1")
    assert [stack.starts(thought).total() for thought in posted] == [AGENTS] * 8
    assert dispatches(stack, posted) == {(1, 0), (1, 1), (1, 2)}


def shares(stack: Stack) -> list[int]:
    """How many partitions each bridge has, by Kafka's word."""
    group = Settings.model_fields["kafka_consumer_group"].default
    admin = AdminClient({"bootstrap.servers": stack.status_then["kafka_bootstrap"]})
    members = admin.describe_consumer_groups([group])[group].result(20).members
    return sorted(len(member.assignment.topic_partitions) for member in members)


def dispatches(stack: Stack, thoughts: list[str]) -> set[tuple[int, int]]:
    """How often chains were made for the thoughts, and in which partitions their records are."""
    postgresql = PostgreSQL(stack.status_then["database_url"])
    statement = "SELECT dispatch_id, origin->'partition' FROM thoughts WHERE id = ANY (%s::uuid[])"
    rows = postgresql.rows(statement, thoughts)
    postgresql.close()
    return {(dispatch, partition) for dispatch, partition in rows}


@pytest.mark.parametrize(
    ("store", "names"), [("kafka", ["bridge.1", "relay.1", "web.1"]), ("redis", ["bridge.1", "worker.1", "web.1"])]
)
def test_processes_end_well_while_a_store_is_away(stack: Stack, store: str, names: list[str]) -> None:
    posted = [stack.post("Before it went away", somebody())["id"] for _ in range(4)]
    stack.command("stop", store)
    try:
        for name in names:
            stack.command("stop", name)
            assert (name, stack.last_exit(name)) == (name, 0)
    finally:
        stack.command("start", store)
        for name in names:
            stack.command("start", name)
    eventually(lambda: all(stack.process(name)["ready"] for name in names), timeout=60)
    assert [stack.ended(thought, timeout=90)["status"] for thought in posted] == ["completed"] * 4
    assert [stack.starts(thought).total() for thought in posted] == [5] * 4
