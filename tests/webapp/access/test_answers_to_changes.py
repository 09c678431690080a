"""The answer to a change holds nothing that a token needs the scope `read` for."""

from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.access.actors import Owned
from tests.webapp.fake_worker import FakeWorker
from webapp.accounts.scopes import Scope

STATUS = text("SELECT status FROM thoughts WHERE id = :id")
BOTH = {Scope.READ, Scope.WRITE}


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"trust_user_id": False}


@pytest.fixture
def owner(app: Flask, database: Database) -> Owned:
    return actors.account_with_things(app, database)


def program(app: Flask, database: Database, owner: Owned, scopes: set[Scope]) -> FlaskClient:
    """Return a client with a token of the owner."""
    return actors.with_token(app.test_client(), actors.new_token(database, owner.user_id, scopes))


def test_a_waited_answer_shows_the_thought_only_to_a_token_that_may_read(
    app: Flask, database: Database, owner: Owned, worker: FakeWorker
) -> None:
    writer = program(app, database, owner, {Scope.WRITE})
    request: dict[str, Any] = {"json": {"text": "a secret thought"}, "headers": {"Idempotency-Key": "a key"}}
    thought = UUID((writer.post("/thoughts", **request).json or {})["id"])
    worker.complete(owner.thought_id)
    worker.complete(thought)
    request["headers"]["Prefer"] = "wait=50"
    answer = writer.post("/thoughts", **request)
    body = answer.json or {}
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "wait=50")
    assert (body["id"], body["status"], body["message"]) == (str(thought), "completed", "The analysis is complete.")
    assert "thought" not in body
    assert "secret" not in answer.text
    shown = (program(app, database, owner, BOTH).post("/thoughts", **request).json or {})["thought"]
    assert (shown["text"], shown["status"]) == ("a secret thought", "completed")


def test_a_retry_and_a_cancellation_show_the_thought_only_to_a_token_that_may_read(
    app: Flask, database: Database, owner: Owned
) -> None:
    writer, reader = program(app, database, owner, {Scope.WRITE}), program(app, database, owner, BOTH)
    for action, status in (("cancel", "failed"), ("retry", "pending")):
        done = writer.post(f"/thoughts/{owner.thought_id}/{action}")
        assert (done.status_code, done.data) == (204, b""), action
        assert database.rows(STATUS, id=owner.thought_id)[0].status == status
        shown = reader.post(f"/thoughts/{owner.thought_id}/{action}").json or {}
        assert (shown["text"], shown["status"]) == ("a thought", status)


def test_the_scope_of_the_stream_shows_texts_and_says_so(app: Flask, database: Database, owner: Owned) -> None:
    client = program(app, database, owner, {Scope.STREAM})
    address, header = f"/thoughts/stream/{owner.user_id}", {"Last-Event-ID": "x"}
    with client.get(address, headers=header, buffered=False) as response:
        _, first_event = islice(response.response, 2)
    assert b"event: reset" in first_event
    assert b"a thought" in first_event
    page = actors.signed_in(app, database, owner.user_id).get("/account/tokens").text
    assert "watch your thoughts live, which shows their texts and results" in page
