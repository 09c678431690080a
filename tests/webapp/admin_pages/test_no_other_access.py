"""An administrator has no other access to the thoughts of others than the reveal: every route is tried."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.routing.exceptions import BuildError

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import account_id, sign_up, sign_up_administrator
from tests.webapp.conftest import MakeApp
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit

SECRET = "the cat must never know about the dog"
REVEAL = "admin.reveal_text"
ROWS = text("SELECT id, user_id, text, status, turn FROM thoughts WHERE user_id = :user ORDER BY id")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


def signed_in_as(app: Flask, database: Database, user: UUID) -> FlaskClient:
    """Return a browser with a new sign-in, without the time that a password takes."""
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = actors.begin_sign_in(database, user)
    return client


def requests(app: Flask, foreign: dict[str, UUID]) -> Iterator[tuple[Rule, str, str]]:
    """Yield route, method and URL of every request that names foreign ids wherever the route takes one."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        values: dict[str, Any] = {name: foreign.get(name, foreign["user_id"]) for name in rule.arguments}
        try:
            url = adapter.build(rule.endpoint, values | ({"filename": "live.js"} if rule.endpoint == "static" else {}))
        except BuildError:
            url = adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, 1))
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, url


def bodies(client: FlaskClient, foreign: dict[str, UUID]) -> Iterator[dict[str, Any]]:
    """Yield a form with its token, and JSON, which name the foreign user."""
    named = {name: str(value) for name, value in foreign.items()}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/").text)
    assert token
    yield {"data": named | {"csrf_token": token[1], "reason": "I would like to know what this is about."}}
    yield {"json": {"text": "x", "user_id": named["user_id"]}}


@pytest.mark.parametrize("query", ["", "user_id={user_id}", "user_id={user_id}&similar_to=cat", "q=cat&fragment=1"])
def test_no_route_shows_or_changes_a_foreign_thought(
    app: Flask, database: Database, worker: FakeWorker, query: str
) -> None:
    author = sign_up(app, "ada@example.org")
    sign_up_administrator(app, database)
    ada, root = account_id(database, "ada@example.org"), account_id(database, "root@example.org")
    finished, pending = submit(author, SECRET), submit(author, f"{SECRET} either")
    worker.complete(finished)
    before, number = database.rows(ROWS, user=ada), 0
    for thought in (finished, pending):
        foreign = {"thought_id": thought, "user_id": ada}
        for rule, method, url in requests(app, foreign):
            client = signed_in_as(app, database, root)
            for body in [{}] if method == "GET" else bodies(client, foreign):
                if rule.endpoint == REVEAL and "data" in body:
                    continue
                number += 1
                with client.open(url, method=method, query_string=query.format(**foreign), **body) as response:
                    assert response.mimetype != "text/event-stream", f"{method} {url} streams to a stranger"
                    assert SECRET not in response.get_data(as_text=True), f"{method} {url} shows a foreign text"
    assert database.rows(ROWS, user=ada) == before, "a request changed a foreign thought"
    assert number > 40


def test_the_walk_reaches_the_reveal_and_would_see_the_text(app: Flask, database: Database) -> None:
    author = sign_up(app, "ada@example.org")
    sign_up_administrator(app, database)
    ada, root = account_id(database, "ada@example.org"), account_id(database, "root@example.org")
    foreign = {"thought_id": submit(author, SECRET), "user_id": ada}
    [url] = [url for rule, method, url in requests(app, foreign) if (rule.endpoint, method) == (REVEAL, "POST")]
    client = signed_in_as(app, database, root)
    form = next(bodies(client, foreign))
    assert SECRET in client.post(url, **form).text
