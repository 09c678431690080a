"""The process manager, with toy processes: what dies comes back, what is stopped stays down, who ends when."""

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
from tests.devstack.stacks import is_ready, kill, pids, toy
from tests.eventually import eventually

SLEEPS = "while :; do sleep 0.05; done"
STUBBORN = f"trap '' TERM; {SLEEPS}"


def note_at_the_end(name: str) -> str:
    """A script that writes its name into a file when it is told to end."""
    return f"trap 'echo {name} >>\"$TOYS/ended\"; exit 0' TERM; touch $TOYS/{name}; {SLEEPS}"


def start(home: StackDir, *names: str) -> None:
    client.start(home, [load(home).named(name)[0] for name in names])


def stop(home: StackDir, *names: str) -> None:
    client.stop(home, [load(home).named(name)[0] for name in names])


def restarts(home: StackDir, name: str) -> int:
    record = pid_records.read(home, name)
    return record.restarts if record else 0


def test_a_killed_process_is_started_again_and_counted(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": SLEEPS}) as home:
        start(home, "relay.1")
        for _ in range(3):
            before = pids(tmp_path)
            kill(before["relay.1"])
            eventually(lambda before=before: pids(tmp_path) not in ({}, before))  # type: ignore[misc]  # mypy's limit
        assert restarts(home, "relay.1") == 3


def test_a_heartbeat_of_the_predecessor_makes_nobody_ready(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": f'[ -e "$TOYS/first" ] || touch "$TOYS/first" "$HEARTBEAT_FILE"; {SLEEPS}'}) as home:
        start(home, "relay.1")
        eventually(lambda: is_ready(tmp_path, "relay.1"))
        kill(pids(tmp_path)["relay.1"])
        eventually(lambda: restarts(home, "relay.1") == 1)
        assert list(pids(tmp_path)) == ["relay.1"]
        assert not is_ready(tmp_path, "relay.1")


def test_a_silent_process_is_not_ready_any_more(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": f'touch "$HEARTBEAT_FILE"; {SLEEPS}'}) as home:
        start(home, "relay.1")
        eventually(lambda: is_ready(tmp_path, "relay.1"))
        then = time.time() - MAX_HEARTBEAT_AGE - 1
        os.utime(home.heartbeat("relay.1"), (then, then))
        assert not is_ready(tmp_path, "relay.1")


def test_a_process_that_ends_at_once_is_started_again_without_end(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": "exit 1"}) as home:
        start(home, "relay.1")
        eventually(lambda: restarts(home, "relay.1") >= 6)


def test_a_stopped_process_stays_down_until_it_is_started_and_that_is_no_restart(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": SLEEPS, "relay.2": SLEEPS}) as home:
        start(home, "relay.1", "relay.2")
        stop(home, "relay.1")
        kill(pids(tmp_path)["relay.2"])  # when it is back, the manager has looked at relay.1 too
        eventually(lambda: restarts(home, "relay.2") == 1)
        assert list(pids(tmp_path)) == ["relay.2"]
        start(home, "relay.1")
        assert list(pids(tmp_path)) == ["relay.1", "relay.2"]
        assert restarts(home, "relay.1") == 0


def test_others_are_started_again_while_a_slow_one_stops(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": STUBBORN, "relay.2": SLEEPS}, patience=600) as home:
        start(home, "relay.1", "relay.2")
        with pytest.raises(DevstackError, match="does not answer"):
            client.command(home, "stop_processes", timeout=0.1, names=["relay.1"])
        kill(pids(tmp_path)["relay.2"])
        eventually(lambda: restarts(home, "relay.2") == 1)
        os.kill(pids(tmp_path)["relay.1"], signal.SIGKILL)


def lasting(name: str) -> str:
    """A script that, told to end, goes on until a second after the file `go` is there and then writes its name."""
    waits = f'while [ ! -e "$TOYS/go" ]; do sleep 0.05; done; sleep 1; echo {name} >>"$TOYS/ended"; exit 0'
    return f"trap '{waits}' TERM; touch $TOYS/{name}; {SLEEPS}"


def begin_to_stop(home: StackDir, name: str) -> None:
    """Tell a lasting process to end, and go away as a person does with Ctrl-C."""
    eventually((home.root / name).exists)
    with pytest.raises(DevstackError, match="does not answer"):
        client.command(home, "stop_processes", timeout=0.5, names=[name])


def test_a_stop_waits_as_long_as_the_process_may_take_and_says_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def heard(line: str) -> None:
        said.append(line)
        (tmp_path / "go").touch()

    monkeypatch.setattr(client, "REQUEST_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(stop_progress, "REPORT_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(console, "print_line", heard)
    with toy(tmp_path, {"worker.1": lasting("worker.1"), "redis.1": SLEEPS}, patience=60) as home:
        client.command(home, "start_processes", names=["worker.1"])
        eventually((tmp_path / "worker.1").exists)
        stop(home, "worker.1")
        assert said == ["waiting for worker.1 to finish its calls"]
        assert (tmp_path / "ended").read_text() == "worker.1\n"


def test_what_is_started_while_it_stops_runs_afterwards(tmp_path: Path) -> None:
    with toy(tmp_path, {"worker.1": lasting("worker.1")}, patience=60) as home:
        start(home, "worker.1")
        before = pids(tmp_path)
        begin_to_stop(home, "worker.1")
        (tmp_path / "go").touch()
        start(home, "worker.1")
        assert list(pids(tmp_path)) == ["worker.1"]
        assert pids(tmp_path) != before


def test_the_stores_end_last_under_a_worker_that_was_stopping_already(tmp_path: Path) -> None:
    scripts = {"worker.1": lasting("worker.1"), "postgres.1": note_at_the_end("postgres.1")}
    with toy(tmp_path, scripts, patience=60) as home:
        start(home, "worker.1", "postgres.1")
        eventually((tmp_path / "postgres.1").exists)
        begin_to_stop(home, "worker.1")
        os.kill(locks.holder_pid(home.manager_lock) or 0, signal.SIGTERM)
        eventually(lambda: "Got signal SIG_TERM" in home.log("manager").read_text())
        (tmp_path / "go").touch()
        eventually(lambda: not client.is_manager_running(home))
    assert (tmp_path / "ended").read_text().split() == ["worker.1", "postgres.1"]


def test_a_process_that_does_not_end_in_its_time_is_killed(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": STUBBORN}, patience=0.3) as home:
        start(home, "relay.1")
        stop(home, "relay.1")
        assert pids(tmp_path) == {}


def test_a_process_held_by_a_signal_still_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": note_at_the_end("relay.1")}, patience=30) as home:
        start(home, "relay.1")
        eventually((tmp_path / "relay.1").exists)
        os.kill(pids(tmp_path)["relay.1"], signal.SIGSTOP)
        stop(home, "relay.1")
        assert (tmp_path / "ended").read_text() == "relay.1\n"


def test_the_stores_end_last(tmp_path: Path) -> None:
    names = ["postgres.1", "redis.1", "relay.1", "worker.1", "web.1"]
    with toy(tmp_path, {name: note_at_the_end(name) for name in names}) as home:
        start(home, *names)
        eventually(lambda: all((tmp_path / name).exists() for name in names))
    ended = (tmp_path / "ended").read_text().split()
    assert ended[:3] == ["web.1", "worker.1", "relay.1"]
    assert sorted(ended[3:]) == ["postgres.1", "redis.1"]


def test_the_manager_and_every_process_have_sessions_of_their_own(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": SLEEPS, "web.1": SLEEPS}) as home:
        start(home, "relay.1", "web.1")
        manager = locks.holder_pid(home.manager_lock) or 0
        everybody = [manager, *pids(tmp_path).values()]
        assert [os.getsid(pid) for pid in everybody] == everybody


def test_what_a_killed_manager_left_is_found_and_ended_with_its_children(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": f"sleep 600 & echo $! >$TOYS/child; {SLEEPS}"}) as home:
        start(home, "relay.1")
        child = int(eventually(lambda: (tmp_path / "child").is_file() and (tmp_path / "child").read_text()))
        kill(locks.holder_pid(home.manager_lock) or 0)
        eventually(lambda: not client.is_manager_running(home))
        assert list(pids(tmp_path)) == ["relay.1"]
        assert client.bring_down(home, load(home)) == ["relay.1"]
        assert pids(tmp_path) == {}
        eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_pid_that_was_given_to_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": SLEEPS}) as home:
        start(home, "relay.1")
        record = pid_records.read(home, "relay.1")
        assert record is not None
        assert pid_records.running_process(record) is not None
        assert pid_records.running_process(record.model_copy(update={"born": record.born - 60})) is None


def test_a_deep_directory_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    with toy(deep, {"relay.1": SLEEPS}) as home:
        start(home, "relay.1")
        assert list(pids(deep)) == ["relay.1"]
        assert home.socket_directory() != home.run
        assert home.socket_directory().stat().st_mode & 0o777 == 0o700
    shutil.rmtree(home.socket_directory())


def test_what_a_process_writes_is_appended_to_its_log(tmp_path: Path) -> None:
    with toy(tmp_path, {"relay.1": f"echo hello; echo there >&2; {SLEEPS}"}) as home:
        home.log("relay.1").write_text("before\n")
        start(home, "relay.1")
        eventually(lambda: home.log("relay.1").read_text() == "before\nhello\nthere\n")


def test_a_long_log_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "relay.1.log"
    with path.open("a") as writer:
        writer.write("x" * 2000)
        writer.flush()
        logs.rotate(tmp_path, limit=1000)
        writer.write("later\n")
        writer.flush()
    assert path.read_text() == "later\n"
    assert (tmp_path / "relay.1.log.1").read_text() == "x" * 2000


def test_the_end_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\nthree\n")
    assert logs.tail(tmp_path / "a.log", 2) == "  two\n  three"
    assert "wrote nothing" in logs.tail(tmp_path / "b.log")


def test_how_the_last_one_ended_is_known_until_the_stack_starts_again(tmp_path: Path) -> None:
    scripts = {"relay.1": SLEEPS, "relay.2": "exit 3", "relay.3": f"trap 'exit 0' TERM; touch $TOYS/here; {SLEEPS}"}
    with toy(tmp_path, scripts) as home:
        start(home, *scripts)
        eventually((tmp_path / "here").exists)
        kill(pids(tmp_path)["relay.1"])
        stop(home, "relay.3")
        eventually(lambda: ends(home, *scripts) == [-signal.SIGKILL, 3, 0])


def ends(home: StackDir, *names: str) -> list[int | None]:
    return [record.last_exit if (record := pid_records.read(home, name)) else None for name in names]


@pytest.mark.parametrize("collected", [False, True])
def test_how_a_process_ended_is_told_by_whatever_look_finds_it(collected: bool) -> None:
    told = []

    def after_reap(exit_code: int | None = None, **_: Any) -> bool:
        told.append(exit_code)
        return True

    async def ends_between_two_looks() -> None:
        watcher = GracefulWatcher("relay.1", "exit 3", shell=True, hooks={"after_reap": (after_reap, True)})
        await watcher._start()
        (process,) = watcher.processes.values()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if collected:
            process.poll()
        watcher._status = "stopping"
        await watcher.manage_processes()

    asyncio.run(ends_between_two_looks())
    assert told == [3]
