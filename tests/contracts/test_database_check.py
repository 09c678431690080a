"""What can never work with a database is noticed before a process starts, and a server that is down is waited for."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from contracts.database_check import check_database
from contracts.database_session import UnusableDatabaseError, open_session
from contracts.settings import Settings
from tests.contracts.test_database_session import database_of
from tests.stores import ROOT, Stores

COMMANDS = {
    "alembic": ["alembic", "upgrade", "head"],
    "relay": ["bridge", "relay"],
    "bridge": ["bridge", "run"],
    "worker": ["celery", "-A", "tasks", "worker", "--pool", "threads", "--queues", "thoughts"],
    "beat": ["celery", "-A", "tasks", "beat", "--schedule", "SCHEDULE"],
    "web": ["gunicorn", "--config", "python:webapp.gunicorn_conf", "--bind", "127.0.0.1:0", "webapp:create_app()"],
}


def start(url: str, stores: Stores, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a process that must end without a signal."""
    variables = {**os.environ, "DATABASE_URL": url, "REDIS_URL": stores.redis_url, "SECRET_KEY": "0123456789abcdef"}
    variables |= {"KAFKA_BOOTSTRAP_SERVERS": stores.kafka_bootstrap}
    command = [sys.executable, "-m", *command]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_no_process_starts_on_a_database_of_another_encoding(
    stores: Stores, command: list[str], tmp_path: Path
) -> None:
    command = [str(tmp_path / "beat") if argument == "SCHEDULE" else argument for argument in command]
    with database_of(stores, "LATIN1") as url:
        done = start(url, stores, command)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if "Cannot start" in line]
    assert len(lines) == 1
    assert "has the encoding LATIN1" in lines[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("-c search_path=missing", "no schema of the search_path missing exists"),
        ("-c no_such_parameter=1", 'PostgreSQL rejects its options: unrecognized configuration parameter "no_such'),
        ("-c work_mem=lots", 'PostgreSQL rejects its options: invalid value for parameter "work_mem"'),
    ],
)
def test_options_with_which_nothing_can_work_are_refused(settings: Settings, options: str, problem: str) -> None:
    with pytest.raises(UnusableDatabaseError, match=problem) as raised:
        check_database(f"{settings.database_url}?options={quote(options)}")
    assert "\n" not in str(raised.value)


def test_a_server_that_does_not_answer_is_waited_for() -> None:
    check_database("postgresql+psycopg2://nobody@127.0.0.1:9/none?options=-cwork_mem%3D8MB")


def test_a_session_without_a_password_is_an_outage_and_no_unusable_database(settings: Settings) -> None:
    with pytest.raises(psycopg2.OperationalError):
        open_session(f"postgresql://nobody:wrong@{settings.database_url.rpartition('@')[2]}", "test")
    check_database(f"postgresql://nobody:wrong@{settings.database_url.rpartition('@')[2]}")
