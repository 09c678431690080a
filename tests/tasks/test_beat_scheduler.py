"""The nightly batch: a real beat writes its row by the clock, whatever is away and whatever beat slept through."""

import pickle
import shelve
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tasks.application import NIGHTLY_BATCH, create_app
from tasks.beat_scheduler import NightlyScheduler
from tests.eventually import eventually
from tests.stores import ROOT
from tests.tasks.worker_processes import environment
from tests.tcp_proxy import TcpProxy

NO_REDIS = "redis://127.0.0.1:9/0"


@pytest.fixture
def overrides() -> dict[str, Any]:
    """The hour is far from now, so that none of these tests meets it."""
    hour = (datetime.now(UTC).hour + 12) % 24
    return {"kafka_enabled": False, "batch_schedule": f"0 {hour} * * *", "redis_url": NO_REDIS}


@pytest.fixture(autouse=True)
def _none_asked(database: Database) -> None:
    database.rows(text("DELETE FROM batches"))


class Beat:
    """A beat process."""

    def __init__(self, settings: Settings, place: Path, **others: str) -> None:
        self.log_file, self.heartbeat_file = place / "beat.log", place / "heartbeat"
        command = [sys.executable, "-m", "celery", "-A", "tasks", "beat", "--schedule", str(place / "schedule")]
        told = environment(settings, HEARTBEAT_FILE=str(self.heartbeat_file), **others)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def until_it_has_looked(self) -> None:
        """It beats at the begin of a look at the clock: the second beat says that the first look has ended."""
        self.heartbeat_file.unlink(missing_ok=True)
        eventually(self.heartbeat_file.exists)
        first = self.heartbeat_file.stat().st_mtime
        eventually(lambda: self.heartbeat_file.stat().st_mtime > first)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log


@contextmanager
def a_beat(settings: Settings, place: Path, **others: str) -> Iterator[Beat]:
    """A beat that is killed at the end where it still runs."""
    beat = Beat(settings, place, **others)
    try:
        yield beat
    finally:
        beat.process.kill()
        beat.process.wait()


def rows(database: Database) -> int:
    return int(database.rows(text("SELECT count(*) FROM batches"))[0][0])


def scheduler(settings: Settings, place: Path) -> Any:
    """Beat's scheduler in this process, with the file in this place."""
    app = create_app(settings)
    return app.conf.beat_scheduler(app=app, schedule_filename=str(place / "schedule"))


def ran_last(settings: Settings, place: Path, ago: timedelta) -> None:
    """Leave the schedule's file as a beat leaves it whose last batch was so long ago."""
    before = scheduler(settings, place)
    before.schedule[NIGHTLY_BATCH].last_run_at -= ago
    before.close()


def test_a_first_start_asks_for_nothing_before_its_hour(database: Database, settings: Settings, tmp_path: Path) -> None:
    with a_beat(settings, tmp_path) as beat:
        beat.until_it_has_looked()
        beat.end()
    assert rows(database) == 0


def test_a_night_that_beat_was_down_for_is_made_up_for_once(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    ran_last(settings, tmp_path, timedelta(days=2))
    with a_beat(settings, tmp_path):
        eventually(lambda: rows(database) == 1)
        eventually(lambda: "is asked for" in (tmp_path / "beat.log").read_text())
    database.rows(text("UPDATE batches SET begun_at = now()"))
    with a_beat(settings, tmp_path) as beat:  # the one before was killed
        beat.until_it_has_looked()
        beat.end()
    assert rows(database) == 1


def test_the_row_is_written_when_postgresql_is_back(
    database: Database, settings: Settings, postgres_proxy: TcpProxy, tmp_path: Path
) -> None:
    ran_last(settings, tmp_path, timedelta(days=2))
    postgres_proxy.refuse()
    with a_beat(settings, tmp_path, DATABASE_URL=postgres_proxy.url(settings.database_url)) as beat:
        eventually(lambda: beat.log.count("PostgreSQL is unavailable") >= 2)
        postgres_proxy.accept()
        eventually(lambda: rows(database) == 1)


def test_a_beat_that_is_ended_while_postgresql_is_away_leaves_the_night_to_the_next_one(
    database: Database, settings: Settings, postgres_proxy: TcpProxy, tmp_path: Path
) -> None:
    ran_last(settings, tmp_path, timedelta(days=2))
    postgres_proxy.refuse()
    with a_beat(settings, tmp_path, DATABASE_URL=postgres_proxy.url(settings.database_url)) as beat:
        eventually(lambda: "PostgreSQL is unavailable" in beat.log)
        beat.end()
    with a_beat(settings, tmp_path):
        eventually(lambda: rows(database) == 1)


class WrittenWhenClosed(dict[bytes, bytes]):
    """A file as ndbm keeps it: nothing is in it before it is closed."""

    def __init__(self, name: str) -> None:
        self._file = Path(name)
        super().__init__(pickle.loads(self._file.read_bytes()) if self._file.exists() else {})

    def close(self) -> None:
        self._file.write_bytes(pickle.dumps({**self}))


def a_shelf(name: str, *, writeback: bool) -> "shelve.Shelf[Any]":
    return shelve.Shelf(WrittenWhenClosed(name), writeback=writeback)


def test_what_is_noted_is_in_the_file_before_beat_is_closed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NightlyScheduler, "persistence", SimpleNamespace(open=a_shelf))
    ran_last(settings, tmp_path, timedelta(days=2))
    first, second = (scheduler(settings, tmp_path) for _ in range(2))
    assert datetime.now(UTC) - second.schedule[NIGHTLY_BATCH].last_run_at > timedelta(days=1)
    first.reserve(first.schedule[NIGHTLY_BATCH])
    third = scheduler(settings, tmp_path)
    assert third.schedule[NIGHTLY_BATCH].last_run_at == first.schedule[NIGHTLY_BATCH].last_run_at
    assert datetime.now(UTC) - third.schedule[NIGHTLY_BATCH].last_run_at < timedelta(days=1)


@pytest.mark.parametrize("others", [{"KAFKA_ENABLED": "true"}])
def test_where_kafka_rings_a_missed_night_asks_for_nothing(
    database: Database, settings: Settings, tmp_path: Path, others: dict[str, str]
) -> None:
    ran_last(settings, tmp_path, timedelta(days=2))
    with a_beat(settings, tmp_path, **others) as beat:
        beat.until_it_has_looked()
        beat.end()
    assert rows(database) == 0
