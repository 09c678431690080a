"""BatchProgress: what it prints while a batch runs, and when the batch has ended."""

import io
import signal
from collections.abc import Sequence
from itertools import count
from uuid import UUID

import click
import pytest
from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.settings import Settings
from contracts.signals import stop_on
from tasks.batch_progress import NOT_BEGUN, START_TIMEOUT_SECONDS, BatchProgress, LineDisplay, _move
from tasks.batches import Batches
from tests.bridge.thoughts import add_thought
from tests.tasks.batch.failed import fail_thought
from tests.tcp_proxy import TcpProxy
from webapp.cancellation import CancelOutcome, cancel


def show_nothing(done: int, total: int) -> None:
    """Ignore the progress."""


def test_the_progress_reports_once_that_no_bridge_has_begun_the_batch(
    database: Database, batches: Batches, capsys: pytest.CaptureFixture[str]
) -> None:
    number = batches.request().id
    polls = count()

    def pause(_: float) -> bool:
        if next(polls) == 4:
            database.rows(text("UPDATE batches SET begun_at = now(), ended_at = now()"))
        return False

    ticks = count(step=START_TIMEOUT_SECONDS / 2 + 1)
    BatchProgress(batches, number, pause, lambda: float(next(ticks))).run(show_nothing)
    assert capsys.readouterr().err.count(NOT_BEGUN) == 1


@pytest.mark.parametrize("times", [[0.0, START_TIMEOUT_SECONDS * 9]])
def test_the_progress_has_no_warning_about_a_batch_that_has_begun(
    database: Database,
    batches: Batches,
    user_id: UUID,
    capsys: pytest.CaptureFixture[str],
    times: Sequence[float],
) -> None:
    add_thought(database, user_id)
    number = batches.request().id
    database.rows(text("UPDATE batches SET begun_at = now()"))
    clock_times = iter(times)

    def pause(_: float) -> bool:
        database.rows(text("UPDATE batches SET ended_at = now()"))
        return False

    BatchProgress(batches, number, pause, lambda: next(clock_times, times[-1])).run(show_nothing)
    assert capsys.readouterr().err == ""


def test_a_batch_that_has_begun_ends_with_its_last_thought_without_a_batch_bridge(
    database: Database, batches: Batches, user_id: UUID
) -> None:
    """After a switch to Kafka no bridge works in batch mode, so no bridge sets `ended_at`."""
    thought = add_thought(database, user_id)
    number = batches.request().id
    database.rows(text("UPDATE batches SET begun_at = now()"))

    def pause(_: float) -> bool:
        fail_thought(database, thought)
        return False

    assert BatchProgress(batches, number, pause).run(show_nothing)
    assert batches.failed(number) == 1


def test_a_thought_that_its_author_cancelled_is_no_failure_of_the_batch(
    database: Database, batches: Batches, settings: Settings, user_id: UUID
) -> None:
    thought = add_thought(database, user_id)
    number = batches.request().id
    assert cancel(database, settings, user_id, thought, 1).outcome is CancelOutcome.CANCELLED
    assert batches.failed(number) == 0


def test_an_empty_batch_that_no_bridge_has_begun_has_not_ended(batches: Batches) -> None:
    assert not BatchProgress(batches, batches.request().id, lambda _: True).run(show_nothing)


def test_polling_continues_after_postgresql_was_unavailable(
    database: Database,
    settings: Settings,
    batches: Batches,
    postgres_proxy: TcpProxy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = batches.request().id
    engine = make_engine(postgres_proxy.proxied_url(settings.database_url), "test", statement_seconds=1)
    postgres_proxy.refuse()
    polls = count()

    def pause(_: float) -> bool:
        if next(polls) == 2:
            postgres_proxy.accept()
            database.rows(text("UPDATE batches SET begun_at = now(), ended_at = now()"))
        return False

    BatchProgress(Batches(Database(engine)), number, pause).run(show_nothing)
    assert capsys.readouterr().err.count("PostgreSQL is unavailable") == 1
    engine.dispose()


def test_lines_are_printed_for_changes_and_not_more_often_than_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 0.0, 1.0, 6.0, 6.0, 20.0])
    display = LineDisplay(lambda: next(times, 20.0))
    for done in (0, 1, 2, 2):
        display(done, 3)
    assert capsys.readouterr().out == "0 of 3 thoughts analysed\n2 of 3 thoughts analysed\n"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_moves_back_when_a_thought_is_open_again() -> None:
    terminal = Terminal()
    with click.progressbar(length=10, file=terminal, show_pos=True, show_eta=False) as bar:
        _move(bar, 6, 10)
        _move(bar, 4, 10)
        assert terminal.getvalue().rstrip().endswith("4/10")


def test_ctrl_c_ends_the_polling_after_the_current_poll(batches: Batches) -> None:
    def query_after_interrupt(done: int, total: int) -> None:
        signal.raise_signal(signal.SIGINT)
        assert batches.failed(number) == 0

    number = batches.request().id
    handler = signal.getsignal(signal.SIGINT)
    with stop_on(signal.SIGINT) as interrupted:
        assert not BatchProgress(batches, number, interrupted.wait).run(query_after_interrupt)
    assert signal.getsignal(signal.SIGINT) is handler
