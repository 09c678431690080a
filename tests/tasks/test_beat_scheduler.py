"""The nightly batch: a real beat process requests it on schedule, and later if PostgreSQL or beat was down."""

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
    """The scheduled hour is 12 hours away, so that it does not occur during a test."""
    hour = (datetime.now(UTC).hour + 12) % 24
    return {"kafka_enabled": False, "batch_schedule": f"0 {hour} * * *", "redis_url": NO_REDIS}


@pytest.fixture(autouse=True)
def _no_requested_batches(database: Database) -> None:
    database.rows(text("DELETE FROM batches"))


class BeatProcess:
    """A beat process that keeps its schedule, heartbeat file and log in `directory`."""

    def __init__(self, settings: Settings, directory: Path, **variables: str) -> None:
        self.log_file, self.heartbeat_file = directory / "beat.log", directory / "heartbeat"
        command = [sys.executable, "-m", "celery", "-A", "tasks", "beat", "--schedule", str(directory / "schedule")]
        env = environment(settings, HEARTBEAT_FILE=str(self.heartbeat_file), **variables)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def wait_for_tick(self) -> None:
        """Wait for a complete tick: each begins with a heartbeat, so the second heartbeat ends the first tick."""
        self.heartbeat_file.unlink(missing_ok=True)
        eventually(self.heartbeat_file.exists)
        first = self.heartbeat_file.stat().st_mtime
        eventually(lambda: self.heartbeat_file.stat().st_mtime > first)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log


@contextmanager
def running_beat(settings: Settings, directory: Path, **variables: str) -> Iterator[BeatProcess]:
    """Start beat, and kill it at the end of the block."""
    beat = BeatProcess(settings, directory, **variables)
    try:
        yield beat
    finally:
        beat.process.kill()
        beat.process.wait()


def count_batches(database: Database) -> int:
    return int(database.rows(text("SELECT count(*) FROM batches"))[0][0])


def make_scheduler(settings: Settings, directory: Path) -> Any:
    """Return beat's scheduler in this process, with its schedule file in this directory."""
    app = create_app(settings)
    return app.conf.beat_scheduler(app=app, schedule_filename=str(directory / "schedule"))


def write_schedule(settings: Settings, directory: Path, age: timedelta) -> None:
    """Write a schedule file whose last nightly batch is this old."""
    scheduler = make_scheduler(settings, directory)
    scheduler.schedule[NIGHTLY_BATCH].last_run_at -= age
    scheduler.close()


def test_beat_requests_nothing_before_the_first_scheduled_hour(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    with running_beat(settings, tmp_path) as beat:
        beat.wait_for_tick()
        beat.stop()
    assert count_batches(database) == 0


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=30), timedelta(days=900)])
def test_a_last_run_in_the_future_is_forgotten(settings: Settings, tmp_path: Path, ahead: timedelta) -> None:
    """The clock was wrong when it ran. Celery would request no batch until that time has come."""
    write_schedule(settings, tmp_path, -ahead)
    scheduler = make_scheduler(settings, tmp_path)
    scheduler.tick()
    entry = scheduler.schedule[NIGHTLY_BATCH]
    assert entry.last_run_at <= datetime.now(UTC)
    assert entry.is_due().next <= 86400
    scheduler.close()


@pytest.mark.parametrize(
    "last_run_at",
    [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(2026, 1, 1), "yesterday"],  # noqa: DTZ001
    ids=["the first day", "the last day", "no zone", "no time"],
)
def test_a_last_run_that_is_no_possible_time_is_forgotten(
    settings: Settings, tmp_path: Path, last_run_at: object
) -> None:
    """Celery would request no batch any more, or end at every tick."""
    scheduler = make_scheduler(settings, tmp_path)
    scheduler.schedule[NIGHTLY_BATCH].last_run_at = last_run_at
    scheduler.close()
    scheduler = make_scheduler(settings, tmp_path)
    scheduler.tick()
    entry = scheduler.schedule[NIGHTLY_BATCH]
    assert datetime.now(UTC) - entry.last_run_at < timedelta(minutes=1)
    assert entry.is_due().next <= 86400
    scheduler.close()


def test_beat_requests_a_missed_night_once(database: Database, settings: Settings, tmp_path: Path) -> None:
    write_schedule(settings, tmp_path, timedelta(days=2))
    with running_beat(settings, tmp_path):
        eventually(lambda: count_batches(database) == 1)
        eventually(lambda: "The nightly batch is requested." in (tmp_path / "beat.log").read_text())
    database.rows(text("UPDATE batches SET begun_at = now()"))
    with running_beat(settings, tmp_path) as beat:  # the previous beat was killed
        beat.wait_for_tick()
        beat.stop()
    assert count_batches(database) == 1


def test_beat_writes_the_request_when_postgresql_is_back(
    database: Database, settings: Settings, postgres_proxy: TcpProxy, tmp_path: Path
) -> None:
    write_schedule(settings, tmp_path, timedelta(days=2))
    postgres_proxy.refuse()
    with running_beat(settings, tmp_path, DATABASE_URL=postgres_proxy.proxied_url(settings.database_url)) as beat:
        eventually(lambda: beat.log.count("PostgreSQL is unavailable") >= 2)
        postgres_proxy.accept()
        eventually(lambda: count_batches(database) == 1)


def test_a_beat_stopped_while_postgresql_is_unavailable_leaves_the_request_to_the_next_beat(
    database: Database, settings: Settings, postgres_proxy: TcpProxy, tmp_path: Path
) -> None:
    write_schedule(settings, tmp_path, timedelta(days=2))
    postgres_proxy.refuse()
    with running_beat(settings, tmp_path, DATABASE_URL=postgres_proxy.proxied_url(settings.database_url)) as beat:
        eventually(lambda: "PostgreSQL is unavailable" in beat.log)
        beat.stop()
    with running_beat(settings, tmp_path):
        eventually(lambda: count_batches(database) == 1)


class WrittenOnClose(dict[bytes, bytes]):
    """A database file like ndbm's, which is written only when it is closed."""

    def __init__(self, name: str) -> None:
        self._file = Path(name)
        super().__init__(pickle.loads(self._file.read_bytes()) if self._file.exists() else {})

    def close(self) -> None:
        self._file.write_bytes(pickle.dumps({**self}))


def open_shelf(name: str, *, writeback: bool) -> "shelve.Shelf[Any]":
    return shelve.Shelf(WrittenOnClose(name), writeback=writeback)


def test_the_scheduler_persists_a_run_before_beat_closes_its_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NightlyScheduler, "persistence", SimpleNamespace(open=open_shelf))
    write_schedule(settings, tmp_path, timedelta(days=2))
    first, second = (make_scheduler(settings, tmp_path) for _ in range(2))
    assert datetime.now(UTC) - second.schedule[NIGHTLY_BATCH].last_run_at > timedelta(days=1)
    first.reserve(first.schedule[NIGHTLY_BATCH])
    third = make_scheduler(settings, tmp_path)
    assert third.schedule[NIGHTLY_BATCH].last_run_at == first.schedule[NIGHTLY_BATCH].last_run_at
    assert datetime.now(UTC) - third.schedule[NIGHTLY_BATCH].last_run_at < timedelta(days=1)


@pytest.mark.parametrize("variables", [{"KAFKA_ENABLED": "true"}])
def test_beat_requests_nothing_in_kafka_mode_after_a_missed_night(
    database: Database, settings: Settings, tmp_path: Path, variables: dict[str, str]
) -> None:
    write_schedule(settings, tmp_path, timedelta(days=2))
    with running_beat(settings, tmp_path, **variables) as beat:
        beat.wait_for_tick()
        beat.stop()
    assert count_batches(database) == 0
