"""Killed processes and stores: no thought is lost, reordered, saved twice, or paid twice without excuse."""

import os
import signal
import threading
import time
from contextlib import suppress
from itertools import cycle
from urllib.error import HTTPError

import psutil
import pytest
import redis

from tests.eventually import eventually
from tests.faults.load import LoadGenerator
from tests.faults.verification import Disruption
from tests.faults.workload import (
    AGENTS,
    assert_completed_in_order,
    calls_of,
    pairs,
    submit_thoughts,
    verify_when_terminal,
)
from tests.running_stack import FULL_EVENT_SEQUENCE, Stack, new_id

PACE = threading.Event()
"""Never set. People wait on it for their pace."""


def kill_during_work(stack: Stack, name: str) -> dict[str, list[str]]:
    """Submit thoughts of several users, kill the process while some are open, and return the thoughts."""
    pid = stack.wait_for_pid(name)
    submitted = submit_thoughts(stack, users=4, per_user=3, text="Under load [[delay:analysis:500]]")
    os.kill(pid, signal.SIGKILL)
    last = [thoughts[-1] for thoughts in submitted.values()]
    assert any(stack.call_counts(thought).total() < AGENTS for thought in last), "the work ended before the kill"
    return submitted


@pytest.mark.parametrize("name", ["bridge.1", "relay.1", "beat.1", "flower.1"])
def test_killing_a_process_without_calls_repeats_no_call(stack: Stack, name: str) -> None:
    submitted = kill_during_work(stack, name)
    assert assert_completed_in_order(stack, submitted) == 0


def has_exited(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def test_killing_a_web_process_repeats_no_call(stack: Stack) -> None:
    children = psutil.Process(stack.wait_for_pid("web.1")).children()
    submitted = kill_during_work(stack, "web.1")
    eventually(lambda: all(map(has_exited, children)))  # until then they accept requests, and may abort the answers
    eventually(lambda: stack.process("web.1")["ready"], timeout=60)
    assert assert_completed_in_order(stack, submitted) == 0


def test_killing_a_worker_repeats_at_most_its_calls_in_progress(stack: Stack) -> None:
    submitted = submit_thoughts(stack, users=6, per_user=2, text="Killed in the call [[delay:analysis:3000]]")
    first = next(iter(submitted.values()))[0]
    (call,) = eventually(lambda: calls_of(stack, first, "analysis"))
    killed_at = time.time()
    os.kill(call.pid, signal.SIGKILL)
    findings = verify_when_terminal(stack, pairs(submitted), [Disruption(call.pid, killed_at, killed_at)])
    assert findings.violations == []
    assert findings.paid_twice, "the work ended before the kill"


def test_a_suspended_worker_is_replaced_and_writes_nothing_when_it_resumes(stack: Stack) -> None:
    workers = [stack.wait_for_pid("worker.1"), stack.wait_for_pid("worker.2")]
    accepted = stack.post("Stopped in the call [[delay:value_impact:3000]]", new_id())
    eventually(lambda: stack.call_counts(accepted["id"])["value_impact"] == 1)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: stack.call_counts(accepted["id"])["value_impact"] == 2, timeout=60)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    thought = stack.wait_until_terminal(accepted["id"])
    assert thought["status"] == "completed"
    assert thought["agents"][2]["attempts"] == 2


def test_a_flushed_redis_loses_no_thought(stack: Stack) -> None:
    submitted = submit_thoughts(stack, users=4, per_user=2)
    redis.Redis.from_url(stack.initial_status["redis_url"]).flushall()
    assert assert_completed_in_order(stack, submitted) == 0


@pytest.mark.parametrize("store", ["redis", "kafka"])
def test_killing_a_store_delays_thoughts_and_repeats_no_call(stack: Stack, store: str) -> None:
    submitted = kill_during_work(stack, f"{store}.1")
    assert assert_completed_in_order(stack, submitted) == 0


def test_killing_postgresql_delays_thoughts_and_repeats_no_call(stack: Stack) -> None:
    submitted = kill_during_work(stack, "postgres.1")
    eventually(lambda: stack.process("postgres.1")["ready"], timeout=60)
    assert assert_completed_in_order(stack, submitted) == 0


def test_while_postgresql_is_unavailable_requests_are_answered_503_with_retry_after_and_no_thought_is_lost(
    stack: Stack,
) -> None:
    load = LoadGenerator(stack.url, people=4, seed=1, pause=(0.05, 0.2))
    load.start()
    eventually(lambda: load.accepted)
    stack.run_command("stop", "postgres.1")
    try:
        eventually(lambda: load.answers[503] >= 4)
        with pytest.raises(HTTPError) as raised:
            stack.thought(load.accepted[0].id)
        raised.value.close()
    finally:
        stack.run_command("start", "postgres.1")
    before = len(load.accepted)
    eventually(lambda: len(load.accepted) > before, timeout=60)
    load.stop()
    assert (raised.value.code, bool(raised.value.headers["Retry-After"])) == (503, True)
    assert (load.errors, set(load.answers)) == ([], {201, 503})
    statuses = {stack.wait_until_terminal(thought.id, timeout=90)["status"] for thought in load.accepted}
    assert statuses <= {"completed", "failed"}


def test_thoughts_are_accepted_while_kafka_is_unavailable_for_twenty_seconds(stack: Stack) -> None:
    users = [new_id() for _ in range(4)]
    submitted: dict[str, list[str]] = {user: [] for user in users}
    stack.run_command("stop", "kafka")
    try:
        eventually(lambda: stack.get("/health/ready")["status"] == "degraded")
        until = time.monotonic() + 20
        for number, user in enumerate(cycle(users)):
            accepted = stack.post(f"Written in the meantime, {number}", user)
            assert "queued" in accepted["message"]
            submitted[user].append(accepted["id"])
            if time.monotonic() > until:
                break
            PACE.wait(1)
    finally:
        stack.run_command("start", "kafka")
    assert assert_completed_in_order(stack, submitted) == 0


def test_a_stream_shows_every_event_through_a_restart_of_redis(stack: Stack) -> None:
    user = new_id()
    listener = stack.listen(user)
    accepted = stack.post("Streamed through a restart [[delay:analysis:1500]]", user)
    eventually(lambda: "thought_agent_completed 1/5" in listener.event_names(accepted["id"]))
    stack.kill("redis.1")
    stack.wait_until_terminal(accepted["id"], timeout=90)
    eventually(lambda: listener.event_names(accepted["id"]) == FULL_EVENT_SEQUENCE, timeout=30)
