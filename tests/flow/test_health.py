"""/health/ready, POST and the page while a store or a kind of process does nothing, although it still exists."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.eventually import eventually
from tests.running_stack import Stack, running_stack

KINDS = ("relay.1", "bridge.1", "worker.1", "solo.1")
PROMISE = "Processing started..."


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack({}) as stack:
        yield stack


@contextmanager
def suspended(stack: Stack, name: str) -> Iterator[None]:
    """Suspend a process with SIGSTOP during the block: its ports stay open, and it does nothing."""
    pid = stack.wait_for_pid(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def failed_components(stack: Stack) -> set[str]:
    return {problem["component"] for problem in stack.get("/health/ready")["problems"]}


def message(stack: Stack) -> str:
    accepted: dict[str, Any] = stack.post("a thought", str(uuid4()))
    return str(accepted["message"])


def test_a_stack_is_up_only_when_it_works(stack: Stack) -> None:
    assert failed_components(stack) == set()
    assert message(stack) == PROMISE


@pytest.mark.parametrize(("name", "clause"), [("kafka.1", "Kafka is unavailable"), ("redis.1", "Redis is unavailable")])
def test_a_suspended_store_is_noticed_although_its_port_is_open(stack: Stack, name: str, clause: str) -> None:
    with suspended(stack, name):
        eventually(lambda: failed_components(stack) == {name.partition(".")[0]})
        eventually(lambda: clause in message(stack))
        assert stack.get("/health")["status"] == "ok", "thoughts are accepted"
    eventually(lambda: failed_components(stack) == set(), timeout=60)
    eventually(lambda: message(stack) == PROMISE)


@pytest.mark.parametrize("name", KINDS)
def test_a_suspended_process_is_noticed(stack: Stack, name: str) -> None:
    kind = name.partition(".")[0]
    with suspended(stack, name):
        eventually(lambda: failed_components(stack) == {kind})
        if kind != "solo":
            assert f"No {kind} is running" in message(stack)
    eventually(lambda: failed_components(stack) == set())


def test_stopped_processes_withdraw_at_once_and_the_page_says_what_the_thought_waits_for(stack: Stack) -> None:
    eventually(lambda: failed_components(stack) == set())
    for name in KINDS:
        stack.run_command("stop", name)
    eventually(lambda: failed_components(stack) == {"relay", "bridge", "worker", "solo"})
    thought = stack.post("a thought that waits", str(uuid4()))
    assert "No relay, bridge or worker is running; the analysis starts when they are back." in thought["message"]
    with ExitStack() as restarts:
        for name in KINDS:
            restarts.callback(stack.run_command, "start", name)
    eventually(lambda: failed_components(stack) == set())
    assert stack.wait_until_terminal(thought["id"])["status"] == "completed"


def test_a_killed_process_is_seen_again_after_its_restart(stack: Stack) -> None:
    for name in KINDS:
        stack.kill(name)
    eventually(lambda: failed_components(stack) == set(), timeout=60)
    eventually(lambda: message(stack) == PROMISE)
