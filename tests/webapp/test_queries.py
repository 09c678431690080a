"""The read queries, while PostgreSQL restarts or a thought is deleted between two of them."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import get_thought, submit
from webapp import queries
from webapp.deletion import delete


def test_a_restart_of_postgres_between_two_requests_is_not_noticed(client: FlaskClient, database: Database) -> None:
    thought = submit(client, user=uuid4())
    terminate_connections = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'web' AND datname = current_database()"
    )
    assert {row[0] for row in database.rows(terminate_connections)} == {True}
    assert get_thought(client, thought)["id"] == str(thought)
    assert len(database.rows(terminate_connections)) == 1
    assert submit(client, user=uuid4())


def test_a_thought_that_is_deleted_between_two_queries_is_not_found(
    client: FlaskClient, database: Database, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    thought = submit(client, user=uuid4())
    worker.complete(thought)
    read = queries.read

    def read_then_delete(of_database: Database, *args: Any, **kwargs: Any) -> list[Any]:
        rows = read(of_database, *args, **kwargs)
        delete(database, thought)
        return rows

    monkeypatch.setattr(queries, "read", read_then_delete)
    assert client.get(f"/thoughts/{thought}").status_code == 404


def test_pages_and_resets_are_bounded_by_what_is_sent_of_results_that_postgres_compresses(
    client: FlaskClient, database: Database, worker: FakeWorker
) -> None:
    user = uuid4()
    output = {"said": "the same word again " * 10_000}
    ids = [submit(client, user=user) for _ in range(15)]
    for thought in ids:
        worker.dispatch(thought)
        worker.run_step(thought, 1, output)
    page, rest = queries.page_of_thoughts(database, user, limit=100)
    assert (sum(len(str(thought.runs)) for thought in page) < 1.2 * queries.PAGE_BYTES, rest is None) == (True, False)
    reset, rest = queries.open_and_latest(database, user)
    assert (sum(len(str(thought.runs)) for thought in reset) < 1.2 * queries.RESET_BYTES, rest is None) == (True, False)
    fitting = queries.first_that_fit(database, ids)
    assert list(fitting) == ids[: len(page)]
