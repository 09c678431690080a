"""The signed cookie that identifies a visitor."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner
from pydantic import SecretStr
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.conftest import MakeApp


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """A browser that has opened the page."""
    client.get("/")
    return client


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Another visitor's browser, which has opened the page."""
    browser = app.test_client()
    browser.get("/")
    return browser


def test_each_browser_gets_its_own_user_and_keeps_it(client: FlaskClient, stranger: FlaskClient) -> None:
    ids = [(client.post("/thoughts", json={"text": "x"}).json or {})["user_id"] for _ in range(2)]
    other = (stranger.post("/thoughts", json={"text": "x"}).json or {})["user_id"]
    assert ids[0] == ids[1] != other


def test_the_user_is_anonymous_and_inserted_with_the_first_thought(client: FlaskClient, database: Database) -> None:
    client.get("/")
    assert database.rows(text("SELECT id FROM users")) == []
    user = (client.post("/thoughts", json={"text": "x"}).json or {})["user_id"]
    [row] = database.rows(text("SELECT id, is_anonymous FROM users"))
    assert (row.id, row.is_anonymous) == (UUID(user), True)


def test_the_cookie_is_hidden_from_scripts_and_other_sites_and_secure_over_https(client: FlaskClient) -> None:
    cookie = client.get("/").headers["Set-Cookie"]
    assert cookie.startswith("thoughts_visitor_")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" in client.get("/", base_url="https://localhost").headers["Set-Cookie"]


def test_installations_on_one_host_use_different_cookie_names(client: FlaskClient, make_app: MakeApp) -> None:
    other = make_app(secret_key=SecretStr("another-key-for-tests-only")).test_client()
    names = [browser.get("/").headers["Set-Cookie"].partition("=")[0] for browser in (client, other)]
    assert names[0] != names[1]


def test_a_cookie_signed_with_another_key_is_ignored(client: FlaskClient, stranger: FlaskClient, app: Flask) -> None:
    thought = client.post("/thoughts", json={"text": "mine"}).json or {}
    forger = Flask("forger")
    forger.secret_key = "another-key"
    serializer = app.session_interface.get_signing_serializer(forger)  # type: ignore[attr-defined]
    stranger.set_cookie(app.config["SESSION_COOKIE_NAME"], serializer.dumps({"user": thought["user_id"]}))
    assert stranger.get(thought["links"]["self"]).status_code == 404
    assert stranger.get(thought["links"]["stream"]).status_code == 403


@pytest.mark.parametrize("ahead", [60, 30 * 86400])
def test_a_cookie_of_the_future_is_accepted(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    """It was signed by a machine whose clock was ahead; a refused one would make its owner another user."""
    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + ahead)
    first = (client.post("/thoughts", json={"text": "x"}).json or {})["user_id"]
    monkeypatch.undo()
    assert (client.post("/thoughts", json={"text": "x"}).json or {})["user_id"] == first


def test_a_cookie_of_more_than_a_year_ago_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now, browser = TimestampSigner.get_timestamp, app.test_client()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) - 366 * 86400)
    browser.get("/")
    assert browser.post("/thoughts", json={"text": "x"}).status_code == 201
    monkeypatch.undo()
    assert browser.post("/thoughts", json={"text": "x"}).status_code == 403
