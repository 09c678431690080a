"""A step that is poison ends in the dead letters after three retries, and takes no other thought with it."""

import json
import os
import signal
from typing import Any

import psycopg2
import pytest

from devstack.spec.process_kinds import HEARTBEAT_KINDS
from tests.dead_letter_topic import dead_letter
from tests.eventually import eventually
from tests.faults.verdicts import Hit
from tests.faults.work import begun, everything_is_done_in_order, promised, verdict, work
from tests.running_stack import Stack, somebody

CALLS = 4
"""The first call and three retries."""

NEIGHBOURS = 6


def index(stack: Stack, thought: str) -> list[tuple[str, str]]:
    """The dead letters of a thought in PostgreSQL: failure id and reason."""
    connection = psycopg2.connect(stack.status_then["database_url"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT failure_id, reason FROM dead_letters WHERE thought_id::text = %s", (thought,))
            return list(cursor.fetchall())
    finally:
        connection.close()


def restarts(stack: Stack, kind: str) -> int:
    """How often processes of one name were started again."""
    return sum(each["restarts"] for each in stack.status()["processes"] if each["name"].startswith(kind))


def beating(stack: Stack) -> set[int]:
    """The processes that have a heartbeat to show."""
    processes = stack.status()["processes"]
    return {int(each["pid"]) for each in processes if each["kind"] in HEARTBEAT_KINDS and each["pid"]}


def is_a_whole_dead_letter(stack: Stack, thought: dict[str, Any], kind: str) -> None:
    """In the index once, and on the topic with the thought's own words and the count of its calls."""
    ((failure, reason),) = index(stack, thought["id"])
    assert reason == kind
    value, headers = dead_letter(stack, failure)
    assert json.loads(value or b"")["text"] == thought["text"]
    assert (headers["agent"], headers["attempts"]) == (b"analysis", b"%d" % CALLS)


def poisoned(stack: Stack, kind: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A thought whose second agent is poison, ended, and the work that was begun beside it."""
    accepted = stack.post(f"Poison [[fail:analysis:{kind}:*]]", somebody())
    beside = work(stack, NEIGHBOURS, 2, text="Neighbour [[delay:analysis:700]]")
    return stack.ended(accepted["id"], timeout=240), beside


@pytest.mark.parametrize(("kind", "reason"), [("nonsense", "invalid"), ("memory", "transient")])
def test_poison_that_can_be_caught_costs_nobody_else_a_call(stack: Stack, kind: str, reason: str) -> None:
    before = restarts(stack, "worker"), restarts(stack, "solo")
    thought, beside = poisoned(stack, kind)
    assert (thought["status"], thought["error"]["kind"]) == ("failed", reason)
    assert stack.starts(thought["id"]) == {"classification": 1, "analysis": CALLS}
    is_a_whole_dead_letter(stack, thought, reason)
    assert everything_is_done_in_order(stack, beside) == 0
    assert (restarts(stack, "worker"), restarts(stack, "solo")) == before


@pytest.mark.parametrize(("kind", "is_excuse"), [("crash", True), ("hang", False)])
def test_poison_that_ends_its_worker_does_so_once_among_others_and_then_alone(
    stack: Stack, kind: str, *, is_excuse: bool
) -> None:
    """A hanging call's neighbours end before their worker leaves; a crash may cost each one the call it had begun."""
    before = restarts(stack, "worker"), restarts(stack, "solo")
    thought, beside = poisoned(stack, kind)
    assert (thought["status"], thought["error"]["kind"]) == ("failed", "lost")
    assert stack.starts(thought["id"]) == {"classification": 1, "analysis": CALLS}
    calls = begun(stack, thought["id"], "analysis")
    assert len({call.pid for call in calls}) == CALLS
    is_a_whole_dead_letter(stack, thought, "lost")
    among_others = Hit(calls[0].pid, calls[0].at, calls[0].at)
    assert verdict(stack, promised(beside), [among_others] if is_excuse else []).breaches == []
    eventually(lambda: (restarts(stack, "worker"), restarts(stack, "solo")) == (before[0] + 1, before[1] + CALLS - 1))


@pytest.mark.timeout(600)
def test_whoever_is_stopped_for_good_is_replaced_and_the_work_goes_on(stack: Stack) -> None:
    """Only somebody outside sees a process that does nothing at all; its heartbeat is what they see."""
    before = beating(stack)
    accepted = stack.post("Stopped in the call [[delay:value_impact:4000]]", somebody())
    eventually(lambda: stack.starts(accepted["id"])["value_impact"] == 1)
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not before & beating(stack), timeout=240)
    thought = stack.ended(accepted["id"], timeout=120)
    assert thought["status"] == "completed"
    assert stack.starts(accepted["id"]).total() <= 6  # five, and perhaps once more the one that was stopped
