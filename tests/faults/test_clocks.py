"""Clocks that are set while their processes work: no thought waits for a time of day, and none is paid twice."""

import time
from collections.abc import Callable

import pytest

from tests.eventually import eventually
from tests.faults.clocks import Clocks
from tests.faults.refusing_stores import assert_no_restart, restarts_of_apps
from tests.faults.workload import assert_completed_in_order, submit_thoughts
from tests.running_stack import Stack

HOUR = 3600
TOLERANCE = 600.0
"""Seconds that a test may take beside the step."""


def logged_offset(stack: Stack, pid: int) -> float:
    """Return how far the time of day of a process was from the machine's at its last call."""
    calls = [call for call in stack.logged_calls() if call["pid"] == pid]
    return calls[-1]["time"] - calls[-1]["monotonic"] - time.time() + time.monotonic() if calls else 0.0


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_worker_whose_clock_is_set_by_an_hour_completes_thoughts_in_order_and_pays_once(
    stack: Stack, clocks: Clocks, seconds: int
) -> None:
    restarts, pid = restarts_of_apps(stack), stack.wait_for_pid("worker.1")
    submitted = submit_thoughts(stack, users=3, per_user=2, text="Stepped [[fail:analysis:transient:1]]")
    with clocks.stepped("worker.1", seconds):
        eventually(submit_until(stack, submitted, lambda: abs(logged_offset(stack, pid) - seconds) < TOLERANCE))
    assert_all_completed(stack, submitted)
    assert_no_restart(stack, restarts)


@pytest.mark.parametrize("name", ["bridge.1", "relay.1", "web.1"])
@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_process_beside_the_workers_whose_clock_is_set_delays_no_thought(
    stack: Stack, clocks: Clocks, name: str, seconds: int
) -> None:
    restarts = restarts_of_apps(stack)
    submitted = submit_thoughts(stack, users=3, per_user=2)
    with clocks.stepped(name, seconds):
        submitted |= submit_thoughts(stack, users=3, per_user=2, text="Stepped [[delay:analysis:1000]]")
        assert assert_completed_in_order(stack, submitted) == 0
    del restarts[name]  # the supervisor may replace a process whose client waits for a time of day
    assert_no_restart(stack, restarts)
    replace_process(stack, name)


def replace_process(stack: Stack, name: str) -> None:
    """Kill a process whose clock was set, and wait until its successor is ready.

    Kafka's client computes the end of a wait as a time of day (librdkafka, rd_timeout_init_timespec), so it may wait
    for an hour. The supervisor would replace the process after a minute, during another test.
    """
    restarts = stack.process(name)["restarts"]
    stack.kill(name)

    def is_replaced() -> bool:
        process = stack.process(name)
        return bool(process["ready"] and process["restarts"] > restarts)

    eventually(is_replaced, timeout=60)


def submit_until(stack: Stack, submitted: dict[str, list[str]], condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return a check of the condition that submits a thought each time, because only a call shows a worker's clock."""

    def check() -> bool:
        submitted.update(submit_thoughts(stack, users=1, per_user=1))
        return condition()

    return check


def assert_all_completed(stack: Stack, submitted: dict[str, list[str]]) -> None:
    """Assert that all thoughts complete, and that only the calls that had to fail were repeated."""
    for thoughts in submitted.values():
        for thought in thoughts:
            described = stack.wait_until_terminal(thought, timeout=90)
            assert described["status"] == "completed"
            expected = 2 if "fail:analysis" in described["text"] else 1
            assert stack.call_counts(thought)["analysis"] == expected
            assert stack.call_counts(thought).total() == 4 + expected
