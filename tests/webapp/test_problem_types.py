"""The list of problems, and its page: every error of the API has a type that leads to its description."""

import re
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.exceptions import default_exceptions

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.conftest import MakeApp
from webapp.accounts.scopes import Scope
from webapp.problem_types import PROBLEM_TYPES, problem_type
from webapp.webhooks.store import MAX_WEBHOOKS

NO_DATABASE = "postgresql+psycopg2://thoughts@127.0.0.1:9/thoughts"


def test_the_names_differ_and_fit_into_a_path() -> None:
    names = [problem.name for problem in PROBLEM_TYPES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in names)
    assert all(problem.cause.endswith(".") and problem.cure.endswith(".") for problem in PROBLEM_TYPES)


def test_the_type_of_every_problem_leads_to_its_description(client: FlaskClient) -> None:
    page = client.get("/problems").text
    for problem in PROBLEM_TYPES:
        assert client.get(problem.uri).headers["Location"] == f"/problems#{problem.name}"
        assert f'<section id="{problem.name}">' in page
    assert client.get("/problems/unknown").status_code == 404


def test_every_error_of_werkzeug_has_a_problem_of_its_kind() -> None:
    for status, error in default_exceptions.items():
        found = problem_type(error())
        assert found.status == status or (found.name in {"bad-request", "internal-error"}), status
        assert found.status // 100 == status // 100 or status < 400


def test_each_error_of_the_api_names_its_type(client: FlaskClient, make_app: MakeApp) -> None:
    strict, broken = make_app(trust_user_id=False).test_client(), make_app(database_url=NO_DATABASE).test_client()
    json = {"text": "x"}
    expected = {
        "not-found": client.get(f"/thoughts/{uuid4()}"),
        "method-not-allowed": client.delete("/thoughts"),
        "invalid-json": client.post("/thoughts", data="{", content_type="application/json"),
        "invalid-value": client.post("/thoughts", json={}),
        "invalid-cursor": client.get("/thoughts?cursor=x"),
        "invalid-idempotency-key": client.post("/thoughts", json=json, headers={"Idempotency-Key": ""}),
        "unsupported-media-type": client.post("/thoughts", data="x", content_type="application/xml"),
        "body-too-large": client.post("/thoughts", json={"text": "x" * 300_000}),
        "other-site": client.post("/thoughts", json=json, headers={"Sec-Fetch-Site": "cross-site"}),
        "not-recognised": strict.post("/thoughts", json=json),
        "other-user": strict.get(f"/thoughts?user_id={uuid4()}"),
        "profile-changed": client.put("/profile", json={"goals": ["x"], "version": 5}),
        "precondition-failed": client.put("/profile", json={"goals": ["x"]}, headers={"If-Match": '"5"'}),
        "database-unavailable": broken.get(f"/thoughts/{uuid4()}"),
    }
    for name, response in expected.items():
        problem = response.json or {}
        assert (problem["type"], problem["status"]) == (f"/problems/{name}", response.status_code), name


def test_each_refusal_of_what_belongs_to_an_account_names_its_type(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=False)
    owner = actors.account_with_things(app, database)
    browser, thought = actors.signed_in(app, database, owner.user_id), f"/thoughts/{owner.thought_id}"
    reader = actors.bearer(actors.new_token(database, owner.user_id, {Scope.READ}))
    retried = browser.post(f"{thought}/retry")
    first = browser.post(f"{thought}/cancel")
    database.rows(text("UPDATE thoughts SET error = jsonb_set(error, '{kind}', '\"permanent\"')"))
    webhooks = [browser.post("/webhooks", json={"url": "https://example.org/"}) for _ in range(MAX_WEBHOOKS)]
    expected = {
        "not-authenticated": app.test_client().get("/webhooks"),
        "insufficient-scope": app.test_client().post("/webhooks", json={}, headers=reader),
        "ticket-used": app.test_client().get(f"/thoughts/stream/{owner.user_id}?ticket=used"),
        "not-retriable": retried,
        "already-ended": browser.post(f"{thought}/cancel"),
        "too-many-webhooks": webhooks[-1],
        "not-found": browser.delete(f"/tokens/{uuid4()}"),
    }
    assert first.status_code == 200
    for name, response in expected.items():
        problem = response.json or {}
        assert (problem["type"], problem["status"]) == (f"/problems/{name}", response.status_code), name


def test_a_defect_is_a_problem_too_and_shows_nothing_of_itself(app: Flask) -> None:
    app.add_url_rule("/defect", view_func=lambda: str(1 / 0))
    response = app.test_client().get("/defect")
    assert (response.status_code, (response.json or {})["type"]) == (500, "/problems/internal-error")
    assert "division" not in response.text
