"""Schemathesis plays against a real web process: no server error, and every answer is what the document says.

The calls that need an account get a token, and Schemathesis tries them without it and with another one. It plays as
three clients, because a page that others reach refuses what one with TRUST_USER_ID serves to everybody.

The suite takes a few examples of a fixed seed. `make schema` plays for five minutes in all, with a new seed.
"""

import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database
from contracts.limit_settings import LimitSettings
from contracts.progress import ProgressPublisher
from contracts.setting_values import NO_LIMIT
from tests.stores import ROOT
from tests.webapp.access import actors
from tests.webapp.conftest import StartWeb
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.web_processes import WebProcess
from webapp.accounts import tokens

SECONDS = os.environ.get("THOUGHTS_TEST_SCHEMA_SECONDS")
SHORT = ["--max-examples", "10", "--seed", "16", "--generation-database", "none"]
PENDING = text("SELECT id FROM thoughts WHERE status = 'pending' ORDER BY turn LIMIT 20")
SPARE_TOKENS = 20
"""How many tokens the account has that Schemathesis may delete."""

PUBLISHED = {
    "TRUST_USER_ID": "false",
    # Other tests share the limits of this address, and above the one of all requests nothing else would be answered.
    **{
        name.upper(): NO_LIMIT
        for name in LimitSettings.model_fields
        if name.endswith("per_address") or name == "limit_requests_per_user"
    },
    "LIMIT_THOUGHTS_PER_ACCOUNT": "2/second",
}
"""The settings of a page that other people reach, with a limit that Schemathesis exceeds now and then."""


@dataclass(frozen=True, slots=True)
class Client:
    """As whom Schemathesis plays."""

    name: str
    settings: dict[str, str]
    share: float
    """Its part of the time."""
    has_token: bool = False
    """Whether every call has the account's token, and not only those that need one."""
    options: tuple[str, ...] = ()
    answers: frozenset[tuple[str, str]] = frozenset()
    """Routes and statuses that the client must have met, or it played at something else."""


CLIENTS = [
    Client(
        "any-user", {"TRUST_USER_ID": "true"}, 0.5,
        answers=frozenset({("/tokens/<uuid:token_id>", "204")}),
    ),
    Client(
        "an-account", PUBLISHED, 0.4, has_token=True,
        answers=frozenset({("/profile", "403"), ("/thoughts", "429")}),  # another user's, and above the limit
    ),
    Client(
        "a-stranger", PUBLISHED, 0.1,
        # Of nothing that it writes a link leads on.
        options=("--include-operation-id-regex", "^(createThoughts?|replaceProfile)$", "--phases", "coverage,fuzzing"),
        answers=frozenset({("/thoughts", "403"), ("/thoughts:batch", "403"), ("/profile", "403")}),
    ),
]  # fmt: skip


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
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_every_answer_is_what_the_document_says(
    start_web: StartWeb, database: Database, tmp_path: Path, client: Client
) -> None:
    web = start_web(**client.settings)
    config = str(Path(__file__).with_name("schemathesis.toml"))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", f"{web.url}/openapi.json"]
    command += ["--checks", "all", *client.options, *_length(client)]
    account = actors.add_account(database)
    for _ in range(SPARE_TOKENS):
        actors.new_token(database, account)
    token = actors.new_token(database, account)
    if client.has_token:
        command += ["--header", f"Authorization: Bearer {token.text}"]
    variables = {"THOUGHTS_TEST_TOKEN": token.text, "THOUGHTS_TEST_TOKEN_ID": str(token.id)}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr + web.log.read_text()[-2000:]
    assert client.answers - _answered(web) == set(), "answers that never came were not compared"
    assert tokens.find(database, token.text) is not None, "without its token the rest of the run was refused"


def _length(client: Client) -> list[str]:
    return ["--max-time", str(max(1, round(float(SECONDS) * client.share)))] if SECONDS else SHORT


def _answered(web: WebProcess) -> set[tuple[str, str]]:
    """Return the routes with the statuses of their answers, as the web counts them."""
    with urllib.request.urlopen(f"{web.url}/metrics", timeout=10) as response:
        figures = response.read().decode()
    return set(re.findall(r'thoughts_http_requests_total\{.*route="([^"]*)",status="(\d+)"\}', figures))
