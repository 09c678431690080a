"""Webhooks of an account: JSON and page. Nobody else sees, tests or deletes them, and the secret is shown once."""

import base64
import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import sign_up
from webapp.accounts.scopes import Scope
from webapp.webhooks.store import MAX_WEBHOOKS

URL = "https://example.com/of-ada"
BODY = {"url": URL, "events": ["thought_failed"], "with_text": True}


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"trust_user_id": False}


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    return sign_up(app)


def items(client: FlaskClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (client.get("/webhooks").json or {})["items"]
    return found


def send_to_page(client: FlaskClient, path: str, **fields: Any) -> Any:
    """Send a form of the page of webhooks, as a browser does."""
    client.get("/account/webhooks")
    return client.post(path, data=fields)


def test_a_webhook_is_created_with_a_secret_that_is_shown_once(owner: FlaskClient, database: Database) -> None:
    response = owner.post("/webhooks", json=BODY)
    created = response.json or {}
    assert response.status_code == 201
    assert created["secret"].startswith("whsec_")
    (row,) = database.rows(text("SELECT secret FROM webhooks"))
    assert base64.b64decode(created["secret"].removeprefix("whsec_")) == bytes(row.secret)
    (listed,) = items(owner)
    assert created.items() > listed.items()
    assert {name: listed[name] for name in BODY} == BODY
    assert (listed["last_result"], listed["disabled_at"], listed["waiting"]) == (None, None, 0)
    assert created["secret"] not in owner.get("/account/webhooks").text
    kinds = [event.kind for event in database.rows(text("SELECT kind FROM security_events ORDER BY id"))]
    assert kinds[-1] == "webhook-created"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://example.com/"},
        {"url": "http://127.0.0.1:8000/"},
        {"url": "ftp://example.com/"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://[fd12::1]/"},
        {"url": "https://127.1/"},
        {"url": "https://"},
        {"url": "https://user:word@example.com/"},
        {"url": "https://example.com/#part"},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com:99999/"},
        {"url": "https://[::1/"},
        {"url": "https://example.com/" + "x" * 2_000},
        {"events": []},
        {"events": ["thought_created"]},
        {"secret": "my own"},
    ],
)
def test_a_webhook_with_an_invalid_value_is_refused(owner: FlaskClient, changes: dict[str, Any]) -> None:
    response = owner.post("/webhooks", json=BODY | changes)
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert (response.json or {})["detail"].startswith(next(iter(changes)))
    assert items(owner) == []


def test_an_account_has_a_limited_number_of_webhooks(owner: FlaskClient) -> None:
    codes = [owner.post("/webhooks", json=BODY).status_code for _ in range(MAX_WEBHOOKS + 1)]
    assert codes == [201] * MAX_WEBHOOKS + [409]


def test_a_test_event_is_queued_once_and_deleted_with_its_webhook(owner: FlaskClient, database: Database) -> None:
    webhook = (owner.post("/webhooks", json=BODY).json or {})["id"]
    for _ in range(2):
        assert owner.post(f"/webhooks/{webhook}/test").status_code == 202
    assert items(owner)[0]["waiting"] == 1
    assert owner.delete(f"/webhooks/{webhook}").status_code == 204
    assert (items(owner), database.rows(text("SELECT FROM webhook_deliveries"))) == ([], [])
    assert owner.delete(f"/webhooks/{webhook}").status_code == 404


def test_an_anonymous_visitor_has_no_webhooks(app: Flask) -> None:
    visitor = app.test_client()
    visitor.get("/")
    for method, path in (("get", "/webhooks"), ("post", "/webhooks"), ("delete", f"/webhooks/{uuid4()}")):
        assert getattr(visitor, method)(path, **({"json": BODY} if method == "post" else {})).status_code == 401
    assert visitor.get("/account/webhooks").headers["Location"] == "/account/sign-in?next=/account/webhooks"


def test_nobody_reads_or_changes_the_webhook_of_another_account(
    app: Flask, owner: FlaskClient, database: Database
) -> None:
    webhook = (owner.post("/webhooks", json=BODY).json or {})["id"]
    database.rows(text("UPDATE webhooks SET disabled_at = now()"))
    stranger = sign_up(app, "eve@example.org")
    assert items(stranger) == []
    for method, path in (
        ("post", f"/webhooks/{webhook}/test"),
        ("post", f"/webhooks/{webhook}/enable"),
        ("delete", f"/webhooks/{webhook}"),
    ):
        assert getattr(stranger, method)(path).status_code == 404
    for action in ("test", "enable", "delete"):
        assert send_to_page(stranger, f"/account/webhooks/{webhook}/{action}").status_code == 404
    assert URL not in stranger.get("/account/webhooks").text
    (listed,) = items(owner)
    assert (listed["disabled_at"] is not None, listed["waiting"]) == (True, 0)


def test_the_page_creates_tests_enables_and_deletes_a_webhook_without_javascript(
    owner: FlaskClient, database: Database
) -> None:
    assert 'href="/account/webhooks"' in owner.get("/account/").text
    created = send_to_page(owner, "/account/webhooks", url=URL, events=["thought_completed"])
    assert (created.status_code, created.headers["Cache-Control"]) == (200, "private, no-store")
    assert re.search(r"whsec_[A-Za-z0-9+/=]{44}", created.text)
    (webhook,) = items(owner)
    assert (webhook["events"], webhook["with_text"]) == (["thought_completed"], False)
    path = f"/account/webhooks/{webhook['id']}"
    assert send_to_page(owner, f"{path}/test").status_code == 303
    assert "A test event is being sent." in owner.get("/account/webhooks").text
    database.rows(text("UPDATE webhooks SET disabled_at = now(), failing_since = now()"))
    page = owner.get("/account/webhooks").text
    assert "Disabled" in page
    assert "because it failed for a day or answered 410" in page
    assert send_to_page(owner, f"{path}/enable").status_code == 303
    assert "because it has failed" not in owner.get("/account/webhooks").text
    assert send_to_page(owner, f"{path}/delete").status_code == 303
    assert "You have no webhook." in owner.get("/account/webhooks").text


def test_the_page_shows_an_error_beside_its_field_and_keeps_what_was_written(owner: FlaskClient) -> None:
    response = send_to_page(owner, "/account/webhooks", url="http://example.com/mine", with_text="1")
    assert response.status_code == 422
    assert "The address must begin with https://." in response.text
    assert 'value="http://example.com/mine"' in response.text
    assert re.search(r'name="with_text" value="1" checked', response.text)
    response = send_to_page(owner, "/account/webhooks", url=URL)
    assert "Choose at least one of" in response.text
    assert f'value="{URL}"' in response.text


def test_a_form_of_the_page_without_its_token_changes_nothing(owner: FlaskClient) -> None:
    form = {"url": URL, "events": "thought_failed", "csrf_token": ""}
    assert owner.post("/account/webhooks", data=form).status_code == 403
    assert items(owner) == []


def test_a_token_creates_and_enables_a_webhook_only_with_the_scopes_write_and_read(
    app: Flask, database: Database
) -> None:
    """A webhook sends texts on, also after the token has ended."""
    user = actors.add_account(database)
    both = {Scope.WRITE, Scope.READ}
    client, header = app.test_client(), actors.bearer(actors.new_token(database, user, both))
    created = client.post("/webhooks", json=BODY, headers=header)
    assert created.status_code == 201
    enable = f"/webhooks/{(created.json or {})['id']}/enable"
    assert client.post(enable, headers=header).status_code == 204
    for missing in both:
        others = actors.bearer(actors.new_token(database, user, set(Scope) - {missing}))
        for path, sent in (("/webhooks", {"json": BODY}), (enable, {})):
            refused = client.post(path, headers=others, **sent)
            assert (refused.status_code, (refused.json or {})["type"]) == (403, "/problems/insufficient-scope")
            assert f"scope={missing}" in refused.headers["WWW-Authenticate"].replace('"', "")
    assert len((client.get("/webhooks", headers=header).json or {})["items"]) == 1
