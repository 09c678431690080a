"""Who watches a batch by hand: what is said on the way, and when it has ended."""

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
from tests.tasks.batch.failed import fail
from tests.tcp_proxy import TcpProxy


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

    ticks = count(step=START_TIMEOUT_SECONDS / 2 + 1)
    BatchProgress(batches, number, pause, lambda: float(next(ticks))).run(nothing)
    assert capsys.readouterr().err.count(NOT_BEGUN) == 1


@pytest.mark.parametrize("moments", [[0.0, START_TIMEOUT_SECONDS * 9]])
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

    BatchProgress(batches, number, pause, lambda: next(times, moments[-1])).run(nothing)
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

    assert BatchProgress(batches, number, pause).run(nothing)
    assert batches.failed(number) == 1


def test_a_batch_that_nobody_has_begun_has_not_ended_though_nothing_is_open(batches: Batches) -> None:
    assert not BatchProgress(batches, batches.request().id, lambda _: True).run(nothing)


def test_a_watch_outlasts_a_postgresql_that_is_away_for_a_while(
    database: Database,
    settings: Settings,
    batches: Batches,
    postgres_proxy: TcpProxy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = batches.request().id
    engine = make_engine(postgres_proxy.url(settings.database_url), "test", statement_seconds=1)
    postgres_proxy.refuse()
    looks = count()

    def pause(_: float) -> bool:
        if next(looks) == 2:
            postgres_proxy.accept()
            database.rows(text("UPDATE batches SET begun_at = now(), ended_at = now()"))
        return False

    BatchProgress(Batches(Database(engine)), number, pause).run(nothing)
    assert capsys.readouterr().err.count("PostgreSQL does not answer") == 1
    engine.dispose()


def test_lines_come_when_something_has_changed_and_not_too_often(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([0.0, 0.0, 1.0, 6.0, 6.0, 20.0])
    lines = LineDisplay(lambda: next(moments, 20.0))
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


def test_ctrl_c_breaks_nothing_off(batches: Batches) -> None:
    def ask_and_be_interrupted(done: int, total: int) -> None:
        signal.raise_signal(signal.SIGINT)
        assert batches.failed(number) == 0

    number = batches.request().id
    before = signal.getsignal(signal.SIGINT)
    with stop_on(signal.SIGINT) as interrupted:
        assert not BatchProgress(batches, number, interrupted.wait).run(ask_and_be_interrupted)
    assert signal.getsignal(signal.SIGINT) is before
