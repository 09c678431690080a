"""`python -m tasks batch`: a batch by hand, watched at a terminal or not."""

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
from tests.bridge.batch_mode import has_ended, running
from tests.bridge.thoughts import add_thought, add_user
from tests.bridge.worker_threads import workers
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.batch.failed import fail
from tests.tasks.worker_processes import environment

BATCH = (sys.executable, "-m", "tasks", "batch")


def command(settings: Settings, *words: str, **others: str) -> "subprocess.CompletedProcess[str]":
    """The command to its end. An empty setting counts as not set."""
    told = environment(settings, **others)
    return subprocess.run([*BATCH, *words], cwd=ROOT, env=told, capture_output=True, text=True, timeout=60, check=False)


def numbers(database: Database) -> list[int]:
    return [row.id for row in database.rows(text("SELECT id FROM batches ORDER BY id"))]


def test_who_asks_before_it_has_begun_is_served_by_the_same_batch_up_to_their_own_moment(
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
    assert len(numbers(database)) == 2


def test_a_clock_that_was_set_back_takes_nothing_out_of_a_batch(
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
    first, second = command(settings, "--detach"), command(settings, "--detach")
    (number,) = numbers(database)
    assert (first.returncode, first.stdout, first.stderr) == (0, f"Batch {number} is requested.\n", "")
    assert (second.returncode, second.stdout) == (
        0,
        f"Batch {number} is requested already, and includes your thoughts.\n",
    )


def test_where_there_is_no_terminal_lines_say_how_far_it_is_and_how_it_ended(
    database: Database, settings: Settings
) -> None:
    for _ in range(3):
        add_thought(database, add_user(database))
    with workers(settings, database), running(settings, database):
        done = command(settings)
    (number,) = numbers(database)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [f"Batch {number} is requested.", "0 of 3 thoughts analysed"]
    assert done.stdout.splitlines()[-1] == f"Batch {number} has ended: 3 thoughts."


def test_on_a_terminal_a_bar_fills(database: Database, settings: Settings) -> None:
    for _ in range(3):
        add_thought(database, add_user(database))
    with workers(settings, database), running(settings, database), on_a_terminal(settings) as (process, seen):
        assert process.wait(60) == 0
        assert "[------------------------------------]" in seen()
        assert "[####################################]  3/3" in seen()
        assert "has ended: 3 thoughts." in seen()


def test_what_failed_in_it_is_counted_at_the_end(database: Database, settings: Settings, user_id: UUID) -> None:
    fail(database, add_thought(database, user_id))
    thought = add_thought(database, user_id)
    with on_a_terminal(settings) as (process, seen):
        eventually(lambda: "0/1" in seen())
        fail(database, thought)
        with running(settings, database):
            assert process.wait(60) == 0
        assert "has ended: 1 thoughts; 1 of them failed, `python -m bridge dead-letters list` says why." in seen()


def test_ctrl_c_leaves_the_batch_running_and_says_so(database: Database, settings: Settings, user_id: UUID) -> None:
    add_thought(database, user_id)
    with on_a_terminal(settings) as (process, seen):
        eventually(lambda: "0/1" in seen())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        (number,) = numbers(database)
        assert seen().endswith(f"\r\nInterrupted. Batch {number} continues in the background.\r\n")
    with workers(settings, database), running(settings, database):
        eventually(lambda: has_ended(database, number))


@contextmanager
def on_a_terminal(settings: Settings) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """The command with a terminal, and what it has shown there so far."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    shown = bytearray()

    def seen() -> str:
        try:
            while piece := os.read(ours, 65_536):
                shown.extend(piece)
        except OSError:
            pass  # nothing more at the moment, or for good
        return shown.decode()

    told = environment(settings, TERM="xterm")
    process = subprocess.Popen(BATCH, cwd=ROOT, env=told, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield process, seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    ("overrides", "others", "line"),
    [
        ({}, {}, "No batch is needed"),
        ({"kafka_mode": False}, {"DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}, "PostgreSQL did not answer: "),
        ({"kafka_mode": False}, {"DATABASE_URL": ""}, "Cannot start. DATABASE_URL: missing"),
    ],
)
def test_a_batch_that_cannot_be_asked_for_is_refused_in_one_line(
    settings: Settings, overrides: dict[str, Any], others: dict[str, str], line: str
) -> None:
    ended = command(settings, **others)
    assert ended.returncode == 1
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_a_batch_needs_no_provider(settings: Settings) -> None:
    assert command(settings, "--detach", ALLOW_SCRIPTED="false").returncode == 0
