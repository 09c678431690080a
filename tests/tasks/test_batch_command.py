"""`python -m tasks batch`: a batch by hand, watched at a terminal or not."""

import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import click
import pytest
from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.settings import Settings
from tasks.batches import Batches, Requested
from tasks.watching import IDLE_SECONDS, NOT_BEGUN, Lines, Watch, _move, interruptible
from tests.bridge.batch_mode import has_ended, running
from tests.bridge.lines import add_thought, add_user, end
from tests.bridge.workers import workers
from tests.eventually import eventually
from tests.stores import ROOT, Stores, execute, sibling
from tests.tasks.gate import Gate
from tests.tasks.processes import environment

BATCH = (sys.executable, "-m", "tasks", "batch")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_enabled": False}


@pytest.fixture
def database_url(stores: Stores, template: str) -> Iterator[str]:
    """A database for each test: a batch is of all thoughts there are."""
    name = f"test_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield sibling(stores.database_url, name)
    execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def batches(database: Database) -> Batches:
    return Batches(database)


def command(settings: Settings, *words: str, **others: str) -> "subprocess.CompletedProcess[str]":
    """The command to its end. An empty setting counts as not set."""
    told = environment(settings, **others)
    return subprocess.run([*BATCH, *words], cwd=ROOT, env=told, capture_output=True, text=True, timeout=60, check=False)


def numbers(database: Database) -> list[int]:
    return [row.id for row in database.rows(text("SELECT id FROM batches ORDER BY id"))]


def fail(database: Database, thought: UUID) -> None:
    """Make a thought terminal with a dead letter."""
    end(database, thought, "failed")
    statement = (
        "INSERT INTO dead_letters (failure_id, thought_id, reason, headers) VALUES (:id, :thought, 'lost', '{}')"
    )
    database.rows(text(statement), id=f"{thought}:1", thought=thought)


# --- The row


def test_who_asks_before_it_has_begun_is_served_by_the_same_batch_up_to_their_own_moment(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    add_thought(database, user_id)
    first = batches.request()
    add_thought(database, user_id)
    assert batches.progress(first.id).open == 1
    assert batches.request() == Requested(first.id, fresh=False)
    assert batches.progress(first.id).open == 2
    database.rows(text("UPDATE batches SET begun_at = now()"))
    assert batches.request().fresh
    assert len(numbers(database)) == 2


def test_a_clock_that_was_set_back_takes_nothing_out_of_a_batch(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    first = batches.request()
    database.rows(text("UPDATE batches SET asked_at = asked_at + interval '10 min'"))
    thought = add_thought(database, user_id)
    database.rows(text("UPDATE thoughts SET created_at = created_at + interval '5 min' WHERE id = :id"), id=thought)
    assert batches.request() == Requested(first.id, fresh=False)
    assert batches.progress(first.id).open == 1


# --- The command


def test_a_detached_request_returns_at_once(database: Database, settings: Settings, user_id: UUID) -> None:
    add_thought(database, user_id)
    first, second = command(settings, "--detach"), command(settings, "--detach")
    (number,) = numbers(database)
    assert (first.returncode, first.stdout, first.stderr) == (0, f"Batch {number} is asked for.\n", "")
    assert (second.returncode, second.stdout) == (0, f"Batch {number} is asked for already, and serves you too.\n")


def test_where_there_is_no_terminal_lines_say_how_far_it_is_and_how_it_ended(
    database: Database, settings: Settings
) -> None:
    for _ in range(3):
        add_thought(database, add_user(database))
    with workers(settings, database), running(settings, database):
        done = command(settings)
    (number,) = numbers(database)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [f"Batch {number} is asked for.", "0 of 3 thoughts analysed"]
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
        assert seen().endswith(f"\r\nBatch {number} goes on by itself; nothing was stopped.\r\n")
    with workers(settings, database), running(settings, database):
        eventually(lambda: has_ended(database, number))


def test_ctrl_c_breaks_nothing_off(batches: Batches) -> None:
    def ask_and_be_interrupted(done: int, total: int) -> None:
        signal.raise_signal(signal.SIGINT)
        assert batches.failed(number) == 0

    number = batches.request().id
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as interrupted:
        assert not Watch(batches, number, interrupted.wait).run(ask_and_be_interrupted)
    assert signal.getsignal(signal.SIGINT) is before


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


# --- The watch


def nothing(done: int, total: int) -> None:
    """A show that shows nothing."""


def test_it_is_said_once_that_no_bridge_has_begun_it(
    database: Database, batches: Batches, capsys: pytest.CaptureFixture[str]
) -> None:
    number = batches.request().id
    looks = count()

    def pause(_: float) -> bool:
        if next(looks) == 4:
            database.rows(text("UPDATE batches SET begun_at = now(), ended_at = now()"))
        return False

    ticks = count(step=IDLE_SECONDS / 2 + 1)
    Watch(batches, number, pause, lambda: float(next(ticks))).run(nothing)
    assert capsys.readouterr().err.count(NOT_BEGUN) == 1


@pytest.mark.parametrize("moments", [[0.0, IDLE_SECONDS * 9]])
def test_of_a_batch_that_has_begun_no_trouble_is_told_however_long_it_takes(
    database: Database,
    batches: Batches,
    user_id: UUID,
    capsys: pytest.CaptureFixture[str],
    moments: Sequence[float],
) -> None:
    add_thought(database, user_id)
    number = batches.request().id
    database.rows(text("UPDATE batches SET begun_at = now()"))
    times = iter(moments)

    def pause(_: float) -> bool:
        database.rows(text("UPDATE batches SET ended_at = now()"))
        return False

    Watch(batches, number, pause, lambda: next(times, moments[-1])).run(nothing)
    assert capsys.readouterr().err == ""


def test_a_batch_that_has_begun_ends_with_its_last_thought_whoever_worked_it_off(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    """After a switch to Kafka no bridge works in batches, and so none writes down that this one has ended."""
    thought = add_thought(database, user_id)
    number = batches.request().id
    database.rows(text("UPDATE batches SET begun_at = now()"))

    def pause(_: float) -> bool:
        fail(database, thought)
        return False

    assert Watch(batches, number, pause).run(nothing)
    assert batches.failed(number) == 1


def test_a_batch_that_nobody_has_begun_has_not_ended_though_nothing_is_open(batches: Batches) -> None:
    assert not Watch(batches, batches.request().id, lambda _: True).run(nothing)


def test_a_watch_outlasts_a_postgresql_that_is_away_for_a_while(
    database: Database, batches: Batches, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    number = batches.request().id
    engine = make_engine(gate.url, "test", statement_seconds=1)
    gate.shut()
    looks = count()

    def pause(_: float) -> bool:
        if next(looks) == 2:
            gate.open()
            database.rows(text("UPDATE batches SET begun_at = now(), ended_at = now()"))
        return False

    Watch(Batches(Database(engine)), number, pause).run(nothing)
    assert capsys.readouterr().err.count("PostgreSQL does not answer") == 1
    engine.dispose()


def test_lines_come_when_something_has_changed_and_not_too_often(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([0.0, 0.0, 1.0, 6.0, 6.0, 20.0])
    lines = Lines(lambda: next(moments, 20.0))
    for done in (0, 1, 2, 2):
        lines(done, 3)
    assert capsys.readouterr().out == "0 of 3 thoughts analysed\n2 of 3 thoughts analysed\n"


class Terminal(io.StringIO):
    """What a bar is drawn on."""

    def isatty(self) -> bool:
        return True


def test_a_bar_goes_back_when_a_thought_comes_back() -> None:
    terminal = Terminal()
    with click.progressbar(length=10, file=terminal, show_pos=True, show_eta=False) as bar:
        _move(bar, 6, 10)
        _move(bar, 4, 10)
        assert terminal.getvalue().rstrip().endswith("4/10")
