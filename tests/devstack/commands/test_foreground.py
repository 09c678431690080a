"""`up` in the foreground, and commands without a stack, as a person at a terminal uses them."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts import cli
from devstack.cli import devstack as commands
from devstack.spec.layout import StackDir
from devstack.supervisor import client, locks
from tests.devstack.stacks import POSTGRES_AND_REDIS, devstack, devstack_argv, down, kill, running_pids, up
from tests.eventually import eventually
from tests.ports import free_port_base
from tests.stores import ROOT

READY = "Press Ctrl-C to stop everything."


@contextmanager
def foreground_up(directory: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """Run `up` in the foreground until its stack is ready; yield its process and a function that reads its output."""
    output_file = directory.with_name(f"{directory.name}.output")
    argv = devstack_argv("up", "--dir", str(directory), "--port-base", str(free_port_base()), *POSTGRES_AND_REDIS)
    with output_file.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=ROOT, stdout=output, stderr=output, start_new_session=True, preexec_fn=ignore_interrupts
        )
    try:
        eventually(lambda: READY in output_file.read_text() or process.poll() is not None, timeout=60)
        assert process.poll() is None, output_file.read_text()
        yield process, output_file.read_text
    finally:
        process.kill()
        process.wait()
        down(directory)
        output_file.unlink()


def ignore_interrupts() -> None:
    """Ignore SIGINT, as a shell does for a background job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_up_stops_everything_cleanly_after_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with foreground_up(tmp_path) as (process, output):
        os.killpg(process.pid, number)
        assert process.wait(timeout=60) == 0
        assert "Stopped." in output()
        assert running_pids(tmp_path) == {}
        assert not client.is_manager_running(StackDir(tmp_path))
        assert not (tmp_path / "postgres" / "postmaster.pid").exists()


def test_up_reports_restarts_and_exits_after_down(tmp_path: Path) -> None:
    with foreground_up(tmp_path) as (process, output):
        kill(running_pids(tmp_path)["redis.1"])
        eventually(lambda: "redis.1 exited and was restarted" in output())
        second = devstack(
            "up", "--dir", str(tmp_path), "--port-base", str(free_port_base()), *POSTGRES_AND_REDIS, "--detach"
        )
        assert (second.returncode, f"pid {process.pid}" in second.stderr) == (1, True)
        down(tmp_path)
        assert process.wait(timeout=60) == 0


def test_up_stops_the_processes_of_a_killed_up(tmp_path: Path) -> None:
    with foreground_up(tmp_path) as (process, _):
        before = running_pids(tmp_path)
        kill(process.pid)
        assert running_pids(tmp_path) == before
        output = up(tmp_path, free_port_base(), *POSTGRES_AND_REDIS)
        assert "had left running" in output
        assert not set(running_pids(tmp_path).values()) & set(before.values())


def test_up_stops_all_processes_when_the_manager_is_killed(tmp_path: Path) -> None:
    with foreground_up(tmp_path) as (process, output):
        kill(locks.holder_pid(StackDir(tmp_path).manager_lock) or 0)
        assert process.wait(timeout=60) == 1
        assert "was killed" in output()
        assert running_pids(tmp_path) == {}


def test_a_failed_up_shows_the_log_of_the_process_and_leaves_nothing_running(tmp_path: Path) -> None:
    StackDir(tmp_path).prepare()
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    result = devstack(
        "up", "--dir", str(tmp_path), "--port-base", str(free_port_base()), *POSTGRES_AND_REDIS, "--detach"
    )
    assert result.returncode == 1
    assert "postgres.1 does not stay running" in result.stderr
    assert "postgres.1.log" in result.stderr
    assert "postgresql.conf" in result.stderr  # from the log
    assert running_pids(tmp_path) == {}


@pytest.mark.parametrize(
    "arguments", [["status"], ["status", "--json"], ["stop", "x"], ["start", "x"], ["restart", "x"]]
)
def test_a_command_without_a_stack_explains_how_to_start_one(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(commands, "python -m devstack", [*arguments, "--dir", str(tmp_path / "none")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "python -m devstack up" in output.err


def test_down_without_a_stack_succeeds(tmp_path: Path) -> None:
    assert cli.run(commands, "python -m devstack", ["down", "--dir", str(tmp_path / "none")]) == 0
