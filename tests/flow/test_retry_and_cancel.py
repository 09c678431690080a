"""What an author does to a thought on a running stack, while its worker is killed: cancel it, and retry it."""

import json
import os
import signal
import urllib.request
from typing import Any

import pytest

from tests.eventually import eventually
from tests.running_stack import Stack, error_response, new_id


def act(stack: Stack, thought: str, action: str) -> dict[str, Any]:
    """Send one action of the thought's author; return the thought as it is then."""
    request = urllib.request.Request(f"{stack.url}/thoughts/{thought}/{action}", method="POST")
    with urllib.request.urlopen(request, timeout=20) as response:
        shown: dict[str, Any] = json.load(response)
        return shown


def assert_consistent(stack: Stack) -> None:
    """Audit all stores. The command exits with another status than 0 when something does not fit."""
    stack.run_bridge("audit")


def test_a_cancelled_thought_lets_the_next_one_begin_and_is_analysed_once_after_a_retry(stack: Stack) -> None:
    user = new_id()
    listener = stack.listen(user)
    first = stack.post("Cancelled in the call [[delay:analysis:5000]]", user)["id"]
    second = stack.post("The next one", user)["id"]
    eventually(lambda: stack.call_counts(first)["analysis"] == 1)
    assert act(stack, first, "cancel")["error"]["kind"] == "cancelled"
    assert stack.wait_until_terminal(second)["status"] == "completed"
    eventually(lambda: listener.event_names(first)[-1:] == ["thought_failed"])
    assert act(stack, first, "retry")["status"] == "pending"
    assert stack.wait_until_terminal(first)["status"] == "completed"
    counts = stack.call_counts(first)
    assert (counts["classification"], counts["analysis"]) == (1, 2), "only the step that was cancelled is paid again"
    assert_consistent(stack)


def test_a_failed_thought_resumes_at_the_failed_step_although_its_worker_is_killed(stack: Stack) -> None:
    user = new_id()
    thought = stack.post("Fails once [[fail:analysis:permanent:1]] [[delay:value_impact:3000]]", user)["id"]
    assert stack.wait_until_terminal(thought)["status"] == "failed"
    act(stack, thought, "retry")
    eventually(lambda: stack.call_counts(thought)["value_impact"] == 1)
    for name in stack.running_names():
        if name.startswith("worker"):
            os.kill(stack.wait_for_pid(name), signal.SIGKILL)
    assert stack.wait_until_terminal(thought, timeout=120)["status"] == "completed"
    assert stack.call_counts(thought)["classification"] == 1
    assert_consistent(stack)


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_a_completed_thought_is_neither_retried_nor_cancelled(stack: Stack, action: str) -> None:
    thought = stack.post("Completed", new_id())["id"]
    stack.wait_until_terminal(thought)
    status, _ = error_response(f"{stack.url}/thoughts/{thought}/{action}", method="POST")
    assert status == 409
