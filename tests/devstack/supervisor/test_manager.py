"""The process manager restarts processes that exit, keeps stopped ones stopped, and stops processes in order."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from devstack import console
from devstack.commands.readiness import MAX_HEARTBEAT_AGE
from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.stack import load
from devstack.supervisor import client, locks, logs, pid_records, stop_progress
from devstack.supervisor.manager import GracefulWatcher
from tests.devstack.stacks import is_ready, kill, running_pids, script_stack
from tests.eventually import eventually

SLEEPS = "while :; do sleep 0.05; done"
IGNORES_SIGTERM = f"trap '' TERM; touch $TEST_DIR/ignores; {SLEEPS}"


def records_stop(name: str) -> str:
    """Return a script that appends its name to the file `ended` when it receives SIGTERM."""
    return f"trap 'echo {name} >>\"$TEST_DIR/ended\"; exit 0' TERM; touch $TEST_DIR/{name}; {SLEEPS}"


def start(stack_dir: StackDir, *names: str) -> None:
    client.start(stack_dir, [load(stack_dir).find_processes(name)[0] for name in names])


def stop(stack_dir: StackDir, *names: str) -> None:
    client.stop(stack_dir, [load(stack_dir).find_processes(name)[0] for name in names])


def restarts(stack_dir: StackDir, name: str) -> int:
    record = pid_records.read(stack_dir, name)
    return record.restarts if record else 0


def test_the_manager_restarts_a_killed_process_and_counts_the_restarts(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": SLEEPS}) as stack_dir:
        start(stack_dir, "relay.1")
        for _ in range(3):
            before = running_pids(tmp_path)
            kill(before["relay.1"])
            eventually(lambda before=before: running_pids(tmp_path) not in ({}, before))  # type: ignore[misc]  # mypy's limit
        assert restarts(stack_dir, "relay.1") == 3


def test_a_process_is_not_ready_because_of_its_predecessors_heartbeat(tmp_path: Path) -> None:
    with script_stack(
        tmp_path, {"relay.1": f'[ -e "$TEST_DIR/first" ] || touch "$TEST_DIR/first" "$HEARTBEAT_FILE"; {SLEEPS}'}
    ) as stack_dir:
        start(stack_dir, "relay.1")
        eventually(lambda: is_ready(tmp_path, "relay.1"))
        kill(running_pids(tmp_path)["relay.1"])
        eventually(lambda: restarts(stack_dir, "relay.1") == 1)
        assert list(running_pids(tmp_path)) == ["relay.1"]
        assert not is_ready(tmp_path, "relay.1")


def test_a_process_with_an_old_heartbeat_is_not_ready(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": f'touch "$HEARTBEAT_FILE"; {SLEEPS}'}) as stack_dir:
        start(stack_dir, "relay.1")
        eventually(lambda: is_ready(tmp_path, "relay.1"))
        too_old = time.time() - MAX_HEARTBEAT_AGE - 1
        os.utime(stack_dir.heartbeat_file("relay.1"), (too_old, too_old))
        assert not is_ready(tmp_path, "relay.1")


def test_the_manager_restarts_a_process_that_exits_at_once_without_a_limit(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": "exit 1"}) as stack_dir:
        start(stack_dir, "relay.1")
        eventually(lambda: restarts(stack_dir, "relay.1") >= 6)


def test_a_stopped_process_stays_stopped_until_a_start_which_is_not_counted_as_a_restart(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": SLEEPS, "relay.2": SLEEPS}) as stack_dir:
        start(stack_dir, "relay.1", "relay.2")
        stop(stack_dir, "relay.1")
        kill(running_pids(tmp_path)["relay.2"])  # when it is running again, the manager has checked relay.1 too
        eventually(lambda: restarts(stack_dir, "relay.2") == 1)
        assert list(running_pids(tmp_path)) == ["relay.2"]
        start(stack_dir, "relay.1")
        assert list(running_pids(tmp_path)) == ["relay.1", "relay.2"]
        assert restarts(stack_dir, "relay.1") == 0


def test_the_manager_restarts_other_processes_while_a_slow_one_stops(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": IGNORES_SIGTERM, "relay.2": SLEEPS}, stop_timeout=600) as stack_dir:
        start(stack_dir, "relay.1", "relay.2")
        eventually((tmp_path / "ignores").exists)
        with pytest.raises(DevstackError, match="does not answer"):
            client.command(stack_dir, "stop_processes", timeout=0.1, names=["relay.1"])
        kill(running_pids(tmp_path)["relay.2"])
        eventually(lambda: restarts(stack_dir, "relay.2") == 1)
        os.kill(running_pids(tmp_path)["relay.1"], signal.SIGKILL)


def stops_after_go(name: str) -> str:
    """Return a script that, after SIGTERM, runs until a second after the file `go` exists and then records its stop."""
    on_stop = f'while [ ! -e "$TEST_DIR/go" ]; do sleep 0.05; done; sleep 1; echo {name} >>"$TEST_DIR/ended"; exit 0'
    return f"trap '{on_stop}' TERM; touch $TEST_DIR/{name}; {SLEEPS}"


def begin_to_stop(stack_dir: StackDir, name: str) -> None:
    """Send the stop command for a process that stops slowly, without waiting for the answer, as after a Ctrl-C."""
    eventually((stack_dir.root / name).exists)
    with pytest.raises(DevstackError, match="does not answer"):
        client.command(stack_dir, "stop_processes", timeout=0.5, names=[name])


def test_a_stop_waits_for_the_process_and_reports_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []

    def record_line(line: str) -> None:
        lines.append(line)
        (tmp_path / "go").touch()

    monkeypatch.setattr(client, "REQUEST_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(stop_progress, "REPORT_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(console, "print_line", record_line)
    with script_stack(
        tmp_path, {"worker.1": stops_after_go("worker.1"), "redis.1": SLEEPS}, stop_timeout=60
    ) as stack_dir:
        client.command(stack_dir, "start_processes", names=["worker.1"])
        eventually((tmp_path / "worker.1").exists)
        stop(stack_dir, "worker.1")
        assert lines == ["Waiting for worker.1 to finish its calls"]
        assert (tmp_path / "ended").read_text() == "worker.1\n"


def test_a_process_that_is_started_while_it_stops_runs_afterwards(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"worker.1": stops_after_go("worker.1")}, stop_timeout=60) as stack_dir:
        start(stack_dir, "worker.1")
        before = running_pids(tmp_path)
        begin_to_stop(stack_dir, "worker.1")
        (tmp_path / "go").touch()
        start(stack_dir, "worker.1")
        assert list(running_pids(tmp_path)) == ["worker.1"]
        assert running_pids(tmp_path) != before


def test_the_stores_stop_after_a_worker_whose_stop_began_earlier(tmp_path: Path) -> None:
    scripts = {"worker.1": stops_after_go("worker.1"), "postgres.1": records_stop("postgres.1")}
    with script_stack(tmp_path, scripts, stop_timeout=60) as stack_dir:
        start(stack_dir, "worker.1", "postgres.1")
        eventually((tmp_path / "postgres.1").exists)
        begin_to_stop(stack_dir, "worker.1")
        os.kill(locks.holder_pid(stack_dir.manager_lock) or 0, signal.SIGTERM)
        eventually(lambda: "Got signal SIG_TERM" in stack_dir.log_file("manager").read_text())
        (tmp_path / "go").touch()
        eventually(lambda: not client.is_manager_running(stack_dir))
    assert (tmp_path / "ended").read_text().split() == ["worker.1", "postgres.1"]


def test_the_manager_kills_a_process_that_exceeds_its_stop_timeout(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": IGNORES_SIGTERM}, stop_timeout=0.3) as stack_dir:
        start(stack_dir, "relay.1")
        eventually((tmp_path / "ignores").exists)
        stop(stack_dir, "relay.1")
        assert running_pids(tmp_path) == {}


def test_the_manager_stops_a_suspended_process(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": records_stop("relay.1")}, stop_timeout=30) as stack_dir:
        start(stack_dir, "relay.1")
        eventually((tmp_path / "relay.1").exists)
        os.kill(running_pids(tmp_path)["relay.1"], signal.SIGSTOP)
        stop(stack_dir, "relay.1")
        assert (tmp_path / "ended").read_text() == "relay.1\n"


def test_the_stores_stop_last(tmp_path: Path) -> None:
    names = ["postgres.1", "redis.1", "relay.1", "worker.1", "web.1"]
    with script_stack(tmp_path, {name: records_stop(name) for name in names}) as stack_dir:
        start(stack_dir, *names)
        eventually(lambda: all((tmp_path / name).exists() for name in names))
    ended = (tmp_path / "ended").read_text().split()
    assert ended[:3] == ["web.1", "worker.1", "relay.1"]
    assert sorted(ended[3:]) == ["postgres.1", "redis.1"]


def test_the_manager_and_every_process_have_their_own_session(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": SLEEPS, "web.1": SLEEPS}) as stack_dir:
        start(stack_dir, "relay.1", "web.1")
        manager = locks.holder_pid(stack_dir.manager_lock) or 0
        all_pids = [manager, *running_pids(tmp_path).values()]
        assert [os.getsid(pid) for pid in all_pids] == all_pids


def test_bring_down_stops_the_processes_of_a_killed_manager_and_their_children(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": f"sleep 600 & echo $! >$TEST_DIR/child; {SLEEPS}"}) as stack_dir:
        start(stack_dir, "relay.1")
        child = int(eventually(lambda: (tmp_path / "child").is_file() and (tmp_path / "child").read_text()))
        kill(locks.holder_pid(stack_dir.manager_lock) or 0)
        eventually(lambda: not client.is_manager_running(stack_dir))
        assert list(running_pids(tmp_path)) == ["relay.1"]
        assert client.bring_down(stack_dir, load(stack_dir)) == ["relay.1"]
        assert running_pids(tmp_path) == {}
        eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_pid_that_another_program_reuses_does_not_count_as_running(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": SLEEPS}) as stack_dir:
        start(stack_dir, "relay.1")
        record = pid_records.read(stack_dir, "relay.1")
        assert record is not None
        assert pid_records.running_process(record) is not None
        assert pid_records.running_process(record.model_copy(update={"created_at": record.created_at - 60})) is None


def test_a_directory_with_a_long_path_has_its_sockets_in_a_temporary_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    with script_stack(deep, {"relay.1": SLEEPS}) as stack_dir:
        start(stack_dir, "relay.1")
        assert list(running_pids(deep)) == ["relay.1"]
        assert stack_dir.ensure_socket_directory() != stack_dir.run_directory
        assert stack_dir.ensure_socket_directory().stat().st_mode & 0o777 == 0o700
    shutil.rmtree(stack_dir.ensure_socket_directory())


def test_a_process_appends_its_output_to_its_log(tmp_path: Path) -> None:
    with script_stack(tmp_path, {"relay.1": f"echo hello; echo there >&2; {SLEEPS}"}) as stack_dir:
        stack_dir.log_file("relay.1").write_text("before\n")
        start(stack_dir, "relay.1")
        eventually(lambda: stack_dir.log_file("relay.1").read_text() == "before\nhello\nthere\n")


def test_a_long_log_is_rotated_while_its_process_keeps_writing(tmp_path: Path) -> None:
    path = tmp_path / "relay.1.log"
    with path.open("a") as writer:
        writer.write("x" * 2000)
        writer.flush()
        logs.rotate(tmp_path, limit=1000)
        writer.write("later\n")
        writer.flush()
    assert path.read_text() == "later\n"
    assert (tmp_path / "relay.1.log.1").read_text() == "x" * 2000


def test_tail_returns_the_last_lines_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\nthree\n")
    assert logs.tail(tmp_path / "a.log", 2) == "  two\n  three"
    assert "empty" in logs.tail(tmp_path / "b.log")


def test_the_record_keeps_the_exit_status_of_the_last_exit(tmp_path: Path) -> None:
    scripts = {"relay.1": SLEEPS, "relay.2": "exit 3", "relay.3": f"trap 'exit 0' TERM; touch $TEST_DIR/here; {SLEEPS}"}
    with script_stack(tmp_path, scripts) as stack_dir:
        start(stack_dir, *scripts)
        eventually((tmp_path / "here").exists)
        kill(running_pids(tmp_path)["relay.1"])
        stop(stack_dir, "relay.3")
        eventually(lambda: exit_statuses(stack_dir, *scripts) == [-signal.SIGKILL, 3, 0])


def exit_statuses(stack_dir: StackDir, *names: str) -> list[int | None]:
    return [record.last_exit if (record := pid_records.read(stack_dir, name)) else None for name in names]


@pytest.mark.parametrize("is_collected", [False, True])
def test_the_hooks_get_the_exit_status_of_a_process_that_exits_between_two_checks(is_collected: bool) -> None:
    exit_codes = []

    def after_reap(exit_code: int | None = None, **_: Any) -> bool:
        exit_codes.append(exit_code)
        return True

    async def exit_between_two_checks() -> None:
        watcher = GracefulWatcher("relay.1", "exit 3", shell=True, hooks={"after_reap": (after_reap, True)})
        await watcher._start()
        (process,) = watcher.processes.values()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if is_collected:
            process.poll()
        watcher._status = "stopping"
        await watcher.manage_processes()

    asyncio.run(exit_between_two_checks())
    assert exit_codes == [3]
