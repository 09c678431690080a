"""The security log: which events are written, with what, who sees them, and for how long."""

import logging
import re
from typing import get_args
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.accounts.browsers import PASSWORD, account_id, age_sign_ins, send, sign_in, sign_up
from tests.webapp.accounts.security_log import events, kinds
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit
from webapp.account_pages.event_texts import TITLES
from webapp.accounts import security_events
from webapp.accounts.security_events import EXPIRED_PER_EVENT, FAILURES_PER_HOUR, Kind

EMAIL, OTHER = "ada@example.org", "bob@example.org"
ADDRESS = "127.0.0.1"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


def fail_to_sign_in(app: Flask, email: str) -> None:
    browser = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/account/sign-in").text)
    assert token
    data = {"email": email, "password": "not the password", "csrf_token": token[1]}
    with browser.post("/account/sign-in", data=data) as response:
        assert response.status_code == 422


def shift(database: Database, interval: str) -> None:
    """Let all events have happened earlier."""
    statement = text("UPDATE security_events SET at = at - CAST(:age AS interval)")
    database.rows(statement, age=interval)


def shown(client: FlaskClient) -> list[str]:
    """Return the titles of the events on a page."""
    titles: list[str] = re.findall(r"<td>([A-Z][^<]+)(?:<br>|</td>)", client.get("/account/security").text)
    return titles


def test_the_life_of_an_account_is_in_its_log(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    fail_to_sign_in(app, EMAIL)
    eventually(lambda: "sign-in-failed" in kinds(database))
    other = sign_in(app, EMAIL)
    assert kinds(database) == ["account-created", "sign-in-failed", "signed-in"]
    user = account_id(database, EMAIL)
    assert events(database, user) == [
        ("account-created", ADDRESS, {}),
        ("sign-in-failed", ADDRESS, {}),
        ("signed-in", ADDRESS, {"method": "password"}),
    ]
    post_with_token(other, "/account/sign-out")
    post_with_token(browser, "/account/sign-out-everywhere")
    assert kinds(database, user)[3:] == ["signed-out", "signed-out-everywhere"]
    post_with_token(app.test_client(), "/account/sign-out")
    assert len(kinds(database)) == 5, "nobody was signed in"


def post_with_token(client: FlaskClient, path: str) -> None:
    page = client.get("/account/", follow_redirects=True).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    assert client.post(path, data={"csrf_token": token[1]}).status_code == 303


def test_a_failed_sign_in_without_an_account_is_in_no_log(app: Flask, database: Database) -> None:
    """One thread writes them in order, so the second event shows that the first attempt is over."""
    sign_up(app, EMAIL)
    for email in ("nobody@example.org", EMAIL):
        fail_to_sign_in(app, email)
    eventually(lambda: "sign-in-failed" in kinds(database))
    assert kinds(database) == kinds(database, account_id(database, EMAIL)) == ["account-created", "sign-in-failed"]


def test_failed_sign_ins_do_not_fill_the_log_and_push_nothing_out(app: Flask, database: Database) -> None:
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    for _ in range(FAILURES_PER_HOUR + 5):
        security_events.record(database, "sign-in-failed", user, ADDRESS)
    assert kinds(database, user) == ["account-created", *["sign-in-failed"] * FAILURES_PER_HOUR]
    security_events.record(database, "signed-in", user, ADDRESS)
    security_events.record(database, "sign-in-failed", user, ADDRESS)
    assert kinds(database, user)[-2:] == ["signed-in", "sign-in-failed"], "the next ones are noticed"
    shift(database, "61 minutes")
    for _ in range(FAILURES_PER_HOUR + 5):
        security_events.record(database, "sign-in-failed", user, ADDRESS)
    assert len(kinds(database, user)) == 2 * FAILURES_PER_HOUR + 3


def test_no_event_holds_a_secret_an_address_of_a_person_or_a_password(
    app: Flask, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        browser = sign_up(app, EMAIL)
        fail_to_sign_in(app, EMAIL)
        sign_in(app, EMAIL)
        eventually(lambda: "Security event: sign-in-failed" in caplog.messages)
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    written = repr(events(database)) + repr([record.__dict__ for record in caplog.records if "Security" in record.msg])
    for secret in (PASSWORD, "not the password", cookie.value, EMAIL):
        assert secret not in written


def test_a_person_sees_only_their_own_events_the_latest_first_in_pages(app: Flask, database: Database) -> None:
    ada, _ = sign_up(app, EMAIL), sign_up(app, OTHER)
    user = account_id(database, EMAIL)
    for number in range(120):
        security_events.record(database, "exported", user, f"10.0.0.{number}")
    addresses, url = [], "/account/security"
    while url:
        page = ada.get(url).text
        addresses += re.findall(r"<td>(10\.0\.0\.\d+|127\.0\.0\.1)</td>", page)
        match = re.search(r'href="(/account/security\?cursor=\d+)"', page)
        url = match[1] if match else ""
    assert addresses == [*(f"10.0.0.{number}" for number in reversed(range(120))), ADDRESS]
    assert shown(sign_in(app, OTHER)) == [TITLES["signed-in"], TITLES["account-created"]]


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "1 OR 1=1", "9" * 30, "\x00", "1.5"])
def test_a_wrong_cursor_is_rejected(app: Flask, cursor: str) -> None:
    browser = sign_up(app, EMAIL)
    assert browser.get("/account/security", query_string={"cursor": cursor}).status_code == 400


def test_somebody_without_account_and_cookie_is_led_to_the_sign_in(app: Flask) -> None:
    response = app.test_client().get("/account/security")
    assert (response.status_code, response.location) == (303, "/account/sign-in?next=/account/security")


def test_events_are_shown_for_180_days_and_then_deleted(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    for _ in range(EXPIRED_PER_EVENT):
        security_events.record(database, "exported", user, ADDRESS)
    shift(database, "179 days")
    assert len(shown(browser)) == EXPIRED_PER_EVENT + 1
    shift(database, "2 days")
    assert shown(browser) == []
    assert len(kinds(database)) == EXPIRED_PER_EVENT + 1
    security_events.record(database, "signed-in", user, ADDRESS)
    assert len(kinds(database)) == 2, "some are deleted with each event"
    security_events.record(database, "signed-out", user, ADDRESS)
    assert kinds(database) == ["signed-in", "signed-out"]


def test_a_wrong_present_password_is_in_the_log(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    for path in ("/account/password", "/account/email", "/account/delete"):
        fields = {"present": "not the password", "password": "another long password", "email": OTHER}
        assert send(browser, path, **fields).status_code == 422
    assert events(database)[1:] == [("password-check-failed", ADDRESS, {})] * 3
    assert shown(browser)[0] == TITLES["password-check-failed"]


def test_the_end_of_another_sign_in_is_in_the_log_of_its_account_once(app: Flask, database: Database) -> None:
    browser, eve = sign_up(app, EMAIL), sign_up(app, OTHER)
    sign_in(app, EMAIL)
    user = account_id(database, EMAIL)
    [latest] = database.rows(text("SELECT id FROM sign_ins WHERE user_id = :user ORDER BY id DESC LIMIT 1"), user=user)
    for client in (eve, browser, browser):
        post_with_token(client, f"/account/sign-ins/{latest.id}/end")
    assert kinds(database)[-2:] == ["signed-in", "sign-in-ended"]
    assert kinds(database, user)[-1] == "sign-in-ended"


def test_the_deletion_of_a_thought_is_in_the_log_of_its_author_once(app: Flask, database: Database) -> None:
    browser, visitor = sign_up(app, EMAIL), app.test_client()
    visitor.get("/")
    for client in (browser, visitor):
        thought = submit(client, "words to be forgotten")
        for _ in range(2):
            assert client.delete(f"/thoughts/{thought}").status_code == 204
        assert events(database)[-1] == ("thought-deleted", ADDRESS, {"thought_id": str(thought)})
        assert str(thought) in client.get("/account/security").text
    assert kinds(database).count("thought-deleted") == 2
    assert kinds(database, account_id(database, EMAIL)) == ["account-created", "thought-deleted"]


def test_a_detail_that_nobody_considered_is_rejected(app: Flask, database: Database) -> None:
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    with pytest.raises(ValueError, match="detail password"):
        security_events.record(database, "signed-in", user, ADDRESS, password=PASSWORD)
    assert kinds(database) == ["account-created"]


def test_the_details_of_a_token_are_shown_without_markup(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    user, details = account_id(database, EMAIL), {"name": "<b>backup</b>", "scopes": ["read", "export"]}
    security_events.record(database, "token-created", user, ADDRESS, **details)
    page = browser.get("/account/security").text
    assert "&lt;b&gt;backup&lt;/b&gt;" in page
    assert "read, export" in page


def test_every_kind_has_a_sentence() -> None:
    assert set(TITLES) == set(get_args(Kind))
    assert not any(title.endswith(".") for title in TITLES.values())


def test_the_log_goes_on_when_the_sign_in_is_old(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    age_sign_ins(database, "2 hours")
    assert shown(browser) == [TITLES["account-created"]]


def test_an_event_of_a_kind_of_another_release_is_shown_by_its_name(app: Flask, database: Database) -> None:
    browser = sign_up(app, EMAIL)
    user: UUID = account_id(database, EMAIL)
    statement = text("INSERT INTO security_events (user_id, kind) VALUES (:user, 'passkey-added')")
    database.rows(statement, user=user)
    assert "passkey-added" in browser.get("/account/security").text
