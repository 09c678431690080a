"""Schemathesis plays against a real web process: no server error, and every answer is what the document says.

The calls that need an account get a token, and Schemathesis tries them without it and with another one.

The suite takes a few examples of a fixed seed. `make schema` plays for five minutes with a new seed.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database
from contracts.progress import ProgressPublisher
from tests.stores import ROOT
from tests.webapp.access import actors
from tests.webapp.conftest import StartWeb
from tests.webapp.fake_worker import FakeWorker

SECONDS = os.environ.get("THOUGHTS_TEST_SCHEMA_SECONDS")
SHORT = ["--max-examples", "10", "--seed", "16", "--generation-database", "none"]
LONG = ["--max-time", SECONDS or ""]
PENDING = text("SELECT id FROM thoughts WHERE status = 'pending' ORDER BY turn LIMIT 20")


@pytest.fixture
def _thoughts_are_analysed(database: Database, publisher: ProgressPublisher) -> Iterator[None]:
    """Complete thoughts while the test runs, so that answers with results are compared as well."""
    worker, is_over = FakeWorker(database, publisher), threading.Event()

    def work() -> None:
        while not is_over.wait(0.1):
            for row in database.rows(PENDING):
                with suppress(AssertionError, SQLAlchemyError):  # the thought was deleted meanwhile
                    worker.complete(row.id)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_over.set()
    thread.join()


@pytest.mark.usefixtures("_thoughts_are_analysed")
@pytest.mark.timeout(1800)
def test_every_answer_is_what_the_document_says(start_web: StartWeb, database: Database, tmp_path: Path) -> None:
    web = start_web()
    config = str(Path(__file__).with_name("schemathesis.toml"))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", f"{web.url}/openapi.json"]
    command += ["--checks", "all", *(LONG if SECONDS else SHORT)]
    token = actors.new_token(database, actors.add_account(database)).text
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "THOUGHTS_TEST_TOKEN": token}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr + web.log.read_text()[-2000:]
