"""`up` in the foreground, and without a stack: what a person at a terminal meets."""

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
from tests.devstack.stacks import SMALL, command, devstack, down, kill, pids, up
from tests.eventually import eventually
from tests.ports import free_base
from tests.stores import ROOT

WATCHING = "Ctrl-C stops everything."


@contextmanager
def foreground(directory: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """A running `up` that has come to its watch, and what it has said so far."""
    said = directory / "said"
    words = command("up", "--dir", str(directory), "--port-base", str(free_base()), *SMALL)
    with said.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=ROOT, stdout=output, stderr=output, start_new_session=True, preexec_fn=ignore_interrupts
        )
    try:
        eventually(lambda: WATCHING in said.read_text() or process.poll() is not None, timeout=60)
        assert process.poll() is None, said.read_text()
        yield process, said.read_text
    finally:
        process.kill()
        process.wait()
        down(directory)


def ignore_interrupts() -> None:
    """As a shell does for a job that it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with foreground(tmp_path) as (process, said):
        os.killpg(process.pid, number)
        assert process.wait(timeout=60) == 0
        assert "Stopped." in said()
        assert pids(tmp_path) == {}
        assert not client.is_manager_running(StackDir(tmp_path))
        assert not (tmp_path / "postgres" / "postmaster.pid").exists()


def test_it_says_what_was_started_again_and_ends_when_the_stack_is_taken_down(tmp_path: Path) -> None:
    with foreground(tmp_path) as (process, said):
        kill(pids(tmp_path)["redis.1"])
        eventually(lambda: "redis.1 ended by itself" in said())
        second = devstack("up", "--dir", str(tmp_path), "--port-base", str(free_base()), *SMALL, "--detach")
        assert (second.returncode, f"pid {process.pid}" in second.stderr) == (1, True)
        down(tmp_path)
        assert process.wait(timeout=60) == 0


def test_a_killed_up_is_taken_over_by_the_next(tmp_path: Path) -> None:
    with foreground(tmp_path) as (process, _):
        before = pids(tmp_path)
        kill(process.pid)
        assert pids(tmp_path) == before
        said = up(tmp_path, free_base(), *SMALL)
        assert "had left running" in said
        assert not set(pids(tmp_path).values()) & set(before.values())


def test_a_killed_manager_is_noticed_and_nothing_of_it_stays(tmp_path: Path) -> None:
    with foreground(tmp_path) as (process, said):
        kill(locks.holder_pid(StackDir(tmp_path).manager_lock) or 0)
        assert process.wait(timeout=60) == 1
        assert "was killed" in said()
        assert pids(tmp_path) == {}


def test_a_failed_up_names_the_process_shows_its_log_and_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    done = devstack("up", "--dir", str(tmp_path), "--port-base", str(free_base()), *SMALL, "--detach")
    assert done.returncode == 1
    assert "postgres.1 does not stay up" in done.stderr
    assert "postgres.1.log" in done.stderr
    assert "postgresql.conf" in done.stderr  # what the log says
    assert pids(tmp_path) == {}


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["stop", "x"], ["start", "x"], ["restart", "x"]])
def test_a_command_without_a_stack_says_how_to_get_one(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(commands, "python -m devstack", [*words, "--dir", str(tmp_path / "none")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "python -m devstack up" in said.err


def test_down_without_a_stack_is_no_failure(tmp_path: Path) -> None:
    assert cli.run(commands, "python -m devstack", ["down", "--dir", str(tmp_path / "none")]) == 0
