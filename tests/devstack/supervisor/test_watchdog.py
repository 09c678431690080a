"""The watchdog replaces stalled processes, and no process that works, starts, stops or was asleep with its machine."""

import os
import signal
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.stack import load
from devstack.supervisor import client, pid_records
from devstack.supervisor.liveness import CHECK_INTERVAL_SECONDS, STARTUP_FACTOR, Heartbeat, LivenessTimer
from tests.devstack.stacks import running_pids, script_stack
from tests.eventually import eventually

WITH_HEARTBEATS = 'while :; do touch "$HEARTBEAT_FILE"; sleep 0.1; done'
ONE_HEARTBEAT = 'touch "$HEARTBEAT_FILE"; while :; do sleep 0.05; done'
TIMEOUT = 10.0
PID = 42


def start(stack_dir: StackDir, *names: str) -> None:
    client.start(stack_dir, [load(stack_dir).find_processes(name)[0] for name in names])


def restarts(stack_dir: StackDir, name: str) -> int:
    record = pid_records.read(stack_dir, name)
    return record.restarts if record else 0


def checks_until_expired(*heartbeats: Heartbeat) -> int | None:
    """Return the number of checks until the timer expires; None for more than a thousand.

    Each check observes the next heartbeat, and after the last one that one again.
    """
    timer = LivenessTimer(TIMEOUT, 0.0)
    for number in range(1, 1001):
        heartbeat = heartbeats[min(number, len(heartbeats)) - 1]
        if timer.update(heartbeat, number * CHECK_INTERVAL_SECONDS):
            return number
    return None


def test_the_timer_expires_after_the_timeout_without_a_new_heartbeat() -> None:
    assert checks_until_expired(Heartbeat(PID, 1.0)) == TIMEOUT + 1


def test_each_new_heartbeat_restarts_the_timer() -> None:
    assert checks_until_expired(*(Heartbeat(PID, float(number)) for number in range(900))) == 900 + TIMEOUT


def test_a_process_without_a_first_heartbeat_has_a_longer_timeout() -> None:
    assert checks_until_expired(Heartbeat(PID, None)) == TIMEOUT * STARTUP_FACTOR + 1


def test_a_new_process_restarts_the_timer_even_with_its_predecessors_heartbeat() -> None:
    assert checks_until_expired(*[Heartbeat(PID, 1.0)] * 9, Heartbeat(PID + 1, 1.0)) == 10 + TIMEOUT


def test_the_timer_does_not_expire_because_the_machine_was_asleep() -> None:
    timer = LivenessTimer(TIMEOUT, 0.0)
    assert [timer.update(Heartbeat(PID, 1.0), now) for now in (1.0, 100_000.0, 100_001.0)] == [False] * 3


@pytest.mark.parametrize("name", ["relay.1", "worker.1"])
def test_the_watchdog_restarts_a_suspended_process_and_counts_the_restart(tmp_path: Path, name: str) -> None:
    with script_stack(tmp_path, {name: WITH_HEARTBEATS}, liveness_timeout=2.0) as stack_dir:
        start(stack_dir, name)
        eventually(stack_dir.heartbeat_file(name).exists)
        before = running_pids(tmp_path)[name]
        os.kill(before, signal.SIGSTOP)
        eventually(lambda: running_pids(tmp_path).get(name, before) != before, timeout=40)
        assert restarts(stack_dir, name) == 1
        assert f"{name} missed its heartbeats and is restarted" in stack_dir.log_file("manager").read_text()


def test_the_watchdog_kills_a_process_that_ignores_the_stop_signal(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": f"trap '' TERM; {ONE_HEARTBEAT}"}, liveness_timeout=1.0) as stack_dir:
        start(stack_dir, "relay.1")
        eventually(lambda: restarts(stack_dir, "relay.1") == 1, timeout=40)


def test_the_watchdog_keeps_processes_with_heartbeats_and_kinds_without_heartbeats(tmp_path: Path) -> None:
    with script_stack(
        tmp_path, {"relay.1": WITH_HEARTBEATS, "web.1": ONE_HEARTBEAT, "relay.2": ONE_HEARTBEAT}, liveness_timeout=3.0
    ) as stack_dir:
        start(stack_dir, "relay.1", "web.1", "relay.2")
        before = running_pids(tmp_path)
        eventually(lambda: restarts(stack_dir, "relay.2") == 2, timeout=40)
        assert {name: running_pids(tmp_path)[name] for name in ("relay.1", "web.1")} == {
            name: before[name] for name in ("relay.1", "web.1")
        }


def test_the_watchdog_does_not_shorten_the_stop_timeout_of_a_stopping_process(tmp_path: Path) -> None:
    stops_on_request = f"trap 'while [ ! -e \"$TEST_DIR/go\" ]; do sleep 0.05; done; exit 0' TERM; {ONE_HEARTBEAT}"
    with script_stack(
        tmp_path, {"worker.1": stops_on_request, "relay.1": ONE_HEARTBEAT}, stop_timeout=60, liveness_timeout=2.0
    ) as stack_dir:
        start(stack_dir, "worker.1", "relay.1")
        eventually(stack_dir.heartbeat_file("worker.1").exists)
        with pytest.raises(DevstackError, match="does not answer"):
            client.command(stack_dir, "stop_processes", timeout=0.5, names=["worker.1"])
        before = running_pids(tmp_path)["worker.1"]
        eventually(lambda: restarts(stack_dir, "relay.1") == 2, timeout=40)
        assert running_pids(tmp_path)["worker.1"] == before
        (tmp_path / "go").touch()
        eventually(lambda: "worker.1" not in running_pids(tmp_path))
