"""A thought whose calls always fail becomes a dead letter after three retries, and disturbs no other thought."""

import json
import os
import signal
from typing import Any

import psycopg2
import pytest

from devstack.spec.process_kinds import HEARTBEAT_KINDS
from tests.dead_letter_topic import wait_for_dead_letter
from tests.eventually import eventually
from tests.faults.verification import Disruption
from tests.faults.workload import assert_completed_in_order, calls_of, pairs, submit_thoughts, verify_when_terminal
from tests.running_stack import Stack, new_id

MAX_CALLS = 4
"""The first call and three retries."""

NEIGHBOURS = 6


def dead_letters_of(stack: Stack, thought: str) -> list[tuple[str, str]]:
    """Return the failure id and the reason of the thought's dead letters in PostgreSQL."""
    connection = psycopg2.connect(stack.initial_status["database_url"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT failure_id, reason FROM dead_letters WHERE thought_id::text = %s", (thought,))
            return list(cursor.fetchall())
    finally:
        connection.close()


def restarts(stack: Stack, kind: str) -> int:
    """Return how often processes of this kind were restarted."""
    return sum(process["restarts"] for process in stack.status()["processes"] if process["name"].startswith(kind))


def worker_restarts(stack: Stack) -> tuple[int, int]:
    """Return the restarts of ordinary workers, and of those of the queue `solo`."""
    return restarts(stack, "worker"), restarts(stack, "solo")


def pids_with_heartbeat(stack: Stack) -> set[int]:
    """Return the processes that have a heartbeat file."""
    processes = stack.status()["processes"]
    return {int(process["pid"]) for process in processes if process["kind"] in HEARTBEAT_KINDS and process["pid"]}


def assert_complete_dead_letter(stack: Stack, thought: dict[str, Any], expected_reason: str) -> None:
    """Assert that the dead letter is in the index once, and in the topic with the thought's text and its calls."""
    ((failure_id, reason),) = dead_letters_of(stack, thought["id"])
    assert reason == expected_reason
    value, headers = wait_for_dead_letter(stack, failure_id)
    assert json.loads(value or b"")["text"] == thought["text"]
    assert (headers["agent"], headers["attempts"]) == (b"analysis", b"%d" % MAX_CALLS)


def fail_beside_neighbours(stack: Stack, failure: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Submit a thought whose second agent always fails like this, and others; return it once terminal, and these."""
    accepted = stack.post(f"Poison [[fail:analysis:{failure}:*]]", new_id())
    neighbours = submit_thoughts(stack, NEIGHBOURS, 2, text="Neighbour [[delay:analysis:700]]")
    return stack.wait_until_terminal(accepted["id"], timeout=240), neighbours


@pytest.mark.parametrize(("failure", "reason"), [("nonsense", "invalid"), ("memory", "transient")])
def test_a_failure_that_can_be_caught_repeats_no_call_of_other_thoughts(
    stack: Stack, failure: str, reason: str
) -> None:
    before = worker_restarts(stack)
    thought, neighbours = fail_beside_neighbours(stack, failure)
    assert (thought["status"], thought["error"]["kind"]) == ("failed", reason)
    assert stack.call_counts(thought["id"]) == {"classification": 1, "analysis": MAX_CALLS}
    assert_complete_dead_letter(stack, thought, reason)
    assert assert_completed_in_order(stack, neighbours) == 0
    assert worker_restarts(stack) == before


@pytest.mark.parametrize(("failure", "is_excuse"), [("crash", True), ("hang", False)])
def test_a_failure_that_ends_its_worker_happens_once_beside_other_steps_and_then_in_the_queue_solo(
    stack: Stack, failure: str, *, is_excuse: bool
) -> None:
    """The steps beside a hanging call end before their worker exits. A crash may cost each of them its paid call."""
    before = worker_restarts(stack)
    thought, neighbours = fail_beside_neighbours(stack, failure)
    assert (thought["status"], thought["error"]["kind"]) == ("failed", "lost")
    assert stack.call_counts(thought["id"]) == {"classification": 1, "analysis": MAX_CALLS}
    calls = calls_of(stack, thought["id"], "analysis")
    assert len({call.pid for call in calls}) == MAX_CALLS
    assert_complete_dead_letter(stack, thought, "lost")
    crash = Disruption(calls[0].pid, calls[0].started_at, calls[0].started_at)
    assert verify_when_terminal(stack, pairs(neighbours), [crash] if is_excuse else []).violations == []
    eventually(lambda: worker_restarts(stack) == (before[0] + 1, before[1] + MAX_CALLS - 1))


@pytest.mark.timeout(600)
def test_processes_that_stay_suspended_are_replaced_and_the_work_continues(stack: Stack) -> None:
    """A suspended process cannot replace itself; the supervisor sees that its heartbeat is old."""
    before = pids_with_heartbeat(stack)
    accepted = stack.post("Stopped in the call [[delay:value_impact:4000]]", new_id())
    eventually(lambda: stack.call_counts(accepted["id"])["value_impact"] == 1)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not before & pids_with_heartbeat(stack), timeout=240)
    thought = stack.wait_until_terminal(accepted["id"], timeout=120)
    assert thought["status"] == "completed"
    assert stack.call_counts(accepted["id"]).total() <= 6  # five, and perhaps the suspended call once more
