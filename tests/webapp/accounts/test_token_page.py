"""The page of the API tokens, and the calls that list and delete them."""

import html
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.setting_values import NO_LIMIT
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import PASSWORD, age_sign_ins, send, sign_up
from tests.webapp.conftest import MakeApp
from webapp.accounts import tokens
from webapp.accounts.scopes import Scope
from webapp.accounts.token_text import TOKEN_PATTERN, is_well_formed

EVENTS = text("SELECT user_id, kind, details, address FROM security_events ORDER BY id")


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"trust_user_id": False, "limit_password_checks_per_user": NO_LIMIT}


@pytest.fixture
def user(database: Database) -> UUID:
    return actors.add_account(database)


@pytest.fixture
def browser(app: Flask, database: Database, user: UUID) -> FlaskClient:
    """A browser in which the user is signed in."""
    return actors.signed_in(app, database, user)


def create(browser: FlaskClient, **changes: Any) -> Any:
    form = {"name": "a script", "scopes": ["read", "write"], "days": "30"} | changes
    return browser.post("/account/tokens", data={"csrf_token": actors.csrf_field(browser.application)} | form)


def test_a_new_token_is_shown_once_and_works(browser: FlaskClient, app: Flask) -> None:
    answer = create(browser)
    shown = TOKEN_PATTERN.search(answer.text)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert shown is not None
    assert is_well_formed(shown[0])
    assert not TOKEN_PATTERN.search(browser.get("/account/tokens").text), "only the first answer shows it"
    program = app.test_client()
    header = {"Authorization": f"Bearer {shown[0]}"}
    thought = (program.post("/thoughts", json={"text": "from a program"}, headers=header).json or {})["id"]
    assert program.get(f"/thoughts/{thought}", headers=header).status_code == 200
    assert browser.get(f"/thoughts/{thought}").status_code == 200
    assert program.get(f"/thoughts/{thought}").status_code == 404, "the answer gave the program no cookie"


def test_an_answer_to_a_token_sets_no_cookie(app: Flask, database: Database, user: UUID) -> None:
    header = actors.bearer(actors.new_token(database, user))
    for answer in (
        app.test_client().get("/thoughts", headers=header),
        app.test_client().post("/thoughts", json={"text": "x"}, headers=header),
        app.test_client().get("/", headers=header),
    ):
        assert "Set-Cookie" not in answer.headers


def test_the_page_lists_the_tokens_with_scopes_last_use_and_expiry(
    browser: FlaskClient, database: Database, user: UUID
) -> None:
    empty = browser.get("/account/tokens").text
    assert "You have no tokens." in empty
    boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*>', empty)
    assert len(boxes) == len(Scope)
    assert not any("required" in box for box in boxes), "a browser would then demand all of them"
    create(browser, name="backup <b>", scopes=["export"])
    token = actors.new_token(database, user)
    database.rows(actors.EXPIRE_TOKEN, id=token.id)
    page = browser.get("/account/tokens").text
    assert "backup &lt;b&gt;" in page
    assert "never" in page
    assert "expired" in page


def test_an_error_stands_beside_its_field_and_what_was_written_stays(browser: FlaskClient, user: UUID) -> None:
    for changes, message in (
        ({"name": " "}, "Write a name, by which you will recognise the token."),
        ({"name": "\u200b"}, "Write a name, by which you will recognise the token."),
        ({"name": "n" * 101}, "Write at most 100 characters."),
        ({"days": "0"}, "Choose 1 to 365 days."),
        ({"days": "366"}, "Choose 1 to 365 days."),
        ({"scopes": []}, "Choose at least one."),
    ):
        answer = create(browser, **changes)
        assert answer.status_code == 422, changes
        assert message in html.unescape(answer.text), changes
        assert not TOKEN_PATTERN.search(answer.text)
    assert create(browser, scopes=["admin"]).status_code == 422
    assert create(browser, days="soon").status_code == 422
    assert create(browser, name="two\nlines").status_code == 422
    assert create(browser, name="a NUL \0").status_code == 422
    assert 'value="a script"' in create(browser, days="0").text
    assert browser.get("/tokens").json == {"items": []}


def test_a_form_with_a_missing_or_foreign_csrf_token_creates_nothing_and_keeps_what_was_written(
    browser: FlaskClient, database: Database, user: UUID
) -> None:
    for sent in ("", "a foreign one"):
        answer = create(browser, csrf_token=sent, name="what I wrote")
        assert answer.status_code == 403
        assert 'value="what I wrote"' in answer.text
        assert "Nothing was stored yet" in answer.text
    assert tokens.list_all(database, user) == []


def test_a_token_is_deleted_on_the_page_and_refused_afterwards(
    browser: FlaskClient, database: Database, app: Flask, user: UUID
) -> None:
    token = actors.new_token(database, user)
    action = re.search(r'action="(/account/tokens/[^"]+/delete)"', browser.get("/account/tokens").text)
    assert action is not None
    form = {"csrf_token": actors.csrf_field(app)}
    answer = browser.post(action[1], data=form, follow_redirects=True)
    assert "The token a token was deleted." in answer.text
    assert browser.post(action[1], data=form).status_code == 404
    assert app.test_client().get("/thoughts", headers=actors.bearer(token)).status_code == 401


def test_a_program_lists_and_deletes_the_tokens_of_its_account(app: Flask, database: Database, user: UUID) -> None:
    own, other = actors.new_token(database, user), actors.new_token(database, user)
    foreign = actors.new_token(database, actors.add_account(database))
    program, header = app.test_client(), actors.bearer(own)
    listed = (program.get("/tokens", headers=header).json or {})["items"]
    assert [item["id"] for item in listed] == [str(other.id), str(own.id)]
    assert set(listed[0]) == {"id", "name", "scopes", "created_at", "expires_at", "last_used_at", "is_expired"}
    assert listed[0]["last_used_at"] is None
    assert listed[1]["last_used_at"] is not None
    assert program.delete(f"/tokens/{other.id}", headers=header).status_code == 204
    assert program.delete(f"/tokens/{foreign.id}", headers=header).status_code == 404
    assert tokens.find(database, foreign.text) is not None
    assert program.delete(f"/tokens/{own.id}", headers=header).status_code == 204
    assert program.get("/tokens", headers=header).status_code == 401


def test_the_security_log_notes_both_and_no_secret(browser: FlaskClient, database: Database, user: UUID) -> None:
    shown = TOKEN_PATTERN.search(create(browser).text)
    assert shown is not None
    [token] = tokens.list_all(database, user)
    browser.delete(f"/tokens/{token.id}")
    created, deleted = database.rows(EVENTS)
    assert (created.user_id, created.kind, deleted.user_id, deleted.kind) == (
        user, "token-created", user, "token-deleted"
    )  # fmt: skip
    assert created.details == {"token_id": str(token.id), "name": "a script", "scopes": ["read", "write"]}
    assert deleted.details == {"token_id": str(token.id), "name": "a script"}
    assert shown[1] not in str([created, deleted])


def test_a_program_exports_what_the_account_has(app: Flask, database: Database) -> None:
    owner = actors.account_with_things(app, database)
    header = actors.bearer(actors.new_token(database, owner.user_id, {Scope.EXPORT}))
    answer = app.test_client().get("/export?format=json", headers=header)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert str(owner.thought_id) in answer.text
    assert "a thought" in app.test_client().get("/export?format=markdown", headers=header).text
    assert app.test_client().get("/export?format=pdf", headers=header).status_code == 422


def test_a_person_with_the_limit_of_tokens_is_told_to_delete_one(
    browser: FlaskClient, database: Database, user: UUID
) -> None:
    for _ in range(tokens.MAX_TOKENS):
        actors.new_token(database, user)
    answer = create(browser)
    assert answer.status_code == 422
    assert "Delete one first." in answer.text


def test_a_token_needs_a_sign_in_of_the_last_hour_or_the_password(app: Flask, database: Database) -> None:
    browser, form = sign_up(app), {"name": "a script", "scopes": "read", "days": "30"}
    age_sign_ins(database, "59 minutes")
    assert "Your current password" not in browser.get("/account/tokens").text
    assert TOKEN_PATTERN.search(send(browser, "/account/tokens", **form).text)
    age_sign_ins(database, "1 minute")
    assert "Your current password" in browser.get("/account/tokens").text
    for written in ({}, {"present": ""}, {"present": "not the password"}):
        refused = send(browser, "/account/tokens", **form, **written)
        assert (refused.status_code, "This is not your current password." in refused.text) == (422, True)
        assert not TOKEN_PATTERN.search(refused.text)
        assert 'value="a script"' in refused.text
        assert "not the password" not in refused.text
    assert len((browser.get("/tokens").json or {})["items"]) == 1
    created = send(browser, "/account/tokens", **form, present=PASSWORD)
    assert TOKEN_PATTERN.search(created.text)
    assert PASSWORD not in created.text


def test_the_password_for_a_token_is_guessed_only_so_often(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=False, limit_password_checks_per_user="1/hour")
    browser = sign_up(app)
    age_sign_ins(database, "1 hour")
    form = {"name": "a script", "scopes": "read", "days": "30", "present": "a-guess"}
    answers = [send(browser, "/account/tokens", **form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 429]
    assert 'value="a script"' in answers[1].text
    assert "a-guess" not in answers[1].text
