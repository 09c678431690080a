"""`python -m tasks batch`: a batch requested by hand, on a terminal and elsewhere."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.batches import Batches, Requested
from tests.bridge.batch_mode import has_ended, running_batch_bridge
from tests.bridge.thoughts import add_thought, add_user
from tests.bridge.worker_threads import running_workers
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.batch.failed import fail_thought
from tests.tasks.worker_processes import environment

BATCH = (sys.executable, "-m", "tasks", "batch")


def run_batch(settings: Settings, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end. An empty variable counts as not set."""
    command, env = [*BATCH, *options], environment(settings, **variables)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def batch_ids(database: Database) -> list[int]:
    return [row.id for row in database.rows(text("SELECT id FROM batches ORDER BY id"))]


def test_a_request_before_the_batch_has_begun_extends_the_same_batch(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    add_thought(database, user_id)
    first = batches.request()
    add_thought(database, user_id)
    assert batches.progress(first.id).open == 1
    assert batches.request() == Requested(first.id, is_new=False)
    assert batches.progress(first.id).open == 2
    database.rows(text("UPDATE batches SET begun_at = now()"))
    assert batches.request().is_new
    assert len(batch_ids(database)) == 2


def test_a_clock_that_was_set_back_removes_nothing_from_a_batch(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    first = batches.request()
    database.rows(text("UPDATE batches SET asked_at = asked_at + interval '10 min'"))
    thought = add_thought(database, user_id)
    database.rows(text("UPDATE thoughts SET created_at = created_at + interval '5 min' WHERE id = :id"), id=thought)
    assert batches.request() == Requested(first.id, is_new=False)
    assert batches.progress(first.id).open == 1


# --- The command


def test_a_detached_request_returns_at_once(database: Database, settings: Settings, user_id: UUID) -> None:
    add_thought(database, user_id)
    first, second = run_batch(settings, "--detach"), run_batch(settings, "--detach")
    (number,) = batch_ids(database)
    assert (first.returncode, first.stdout, first.stderr) == (0, f"Batch {number} is requested.\n", "")
    assert (second.returncode, second.stdout) == (
        0,
        f"Batch {number} was already requested, and includes your thoughts.\n",
    )


def test_the_command_prints_lines_where_there_is_no_terminal(database: Database, settings: Settings) -> None:
    for _ in range(3):
        add_thought(database, add_user(database))
    with running_workers(settings, database), running_batch_bridge(settings, database):
        done = run_batch(settings)
    (number,) = batch_ids(database)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [f"Batch {number} is requested.", "0 of 3 thoughts analysed"]
    assert done.stdout.splitlines()[-1] == f"Batch {number} has ended: 3 thoughts."


def test_the_command_draws_a_progress_bar_on_a_terminal(database: Database, settings: Settings) -> None:
    for _ in range(3):
        add_thought(database, add_user(database))
    with (
        running_workers(settings, database),
        running_batch_bridge(settings, database),
        batch_on_terminal(settings) as (process, output),
    ):
        assert process.wait(60) == 0
        assert "[------------------------------------]" in output()
        assert "[####################################]  3/3" in output()
        assert "has ended: 3 thoughts." in output()


def test_the_command_prints_how_many_thoughts_failed(database: Database, settings: Settings, user_id: UUID) -> None:
    fail_thought(database, add_thought(database, user_id))
    thought = add_thought(database, user_id)
    with batch_on_terminal(settings) as (process, output):
        eventually(lambda: "0/1" in output())
        fail_thought(database, thought)
        with running_batch_bridge(settings, database):
            assert process.wait(60) == 0
        assert "has ended: 1 thought; 1 of them failed, see `python -m bridge dead-letters list`." in output()


def test_ctrl_c_leaves_the_batch_running(database: Database, settings: Settings, user_id: UUID) -> None:
    add_thought(database, user_id)
    with batch_on_terminal(settings) as (process, output):
        eventually(lambda: "0/1" in output())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        (number,) = batch_ids(database)
        assert output().endswith(f"\r\nInterrupted. Batch {number} continues in the background.\r\n")
    with running_workers(settings, database), running_batch_bridge(settings, database):
        eventually(lambda: has_ended(database, number))


@contextmanager
def batch_on_terminal(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """Start the command on a terminal; yield its process, and a function that returns its output so far."""
    reader, terminal = pty.openpty()
    os.set_blocking(reader, False)
    received = bytearray()

    def output() -> str:
        try:
            while chunk := os.read(reader, 65_536):
                received.extend(chunk)
        except OSError:
            pass  # no more output at the moment, or the process has exited
        return received.decode()

    env = environment(settings, TERM="xterm")
    process = subprocess.Popen(BATCH, cwd=ROOT, env=env, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    try:
        yield process, output
    finally:
        process.kill()
        process.wait()
        os.close(reader)


@pytest.mark.parametrize(
    ("overrides", "variables", "line"),
    [
        ({}, {}, "No batch is needed"),
        (
            {"kafka_mode": False},
            {"DATABASE_URL": "postgresql://x@127.0.0.1:9/x"},
            "PostgreSQL is unavailable, run the command again: ",
        ),
        ({"kafka_mode": False}, {"DATABASE_URL": ""}, "Cannot start. DATABASE_URL: missing"),
    ],
)
def test_a_batch_that_cannot_be_requested_exits_with_a_one_line_error(
    settings: Settings, overrides: dict[str, Any], variables: dict[str, str], line: str
) -> None:
    done = run_batch(settings, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_batch_needs_no_provider(settings: Settings) -> None:
    assert run_batch(settings, "--detach", ALLOW_SCRIPTED="false").returncode == 0
