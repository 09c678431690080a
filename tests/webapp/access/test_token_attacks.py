"""Attacks with API tokens: another user's ids, wrong headers, tokens in other places, and cookies beside them."""

from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.access.actors import Owned
from tests.webapp.conftest import CountRows, MakeApp
from webapp import identity
from webapp.accounts.scopes import Scope
from webapp.accounts.token_text import new_token_text


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"trust_user_id": False}


@pytest.fixture
def owner(app: Flask, database: Database) -> Owned:
    return actors.account_with_things(app, database)


def test_a_token_reads_and_changes_nothing_of_another_user(app: Flask, database: Database, owner: Owned) -> None:
    thief = app.test_client()
    header = actors.bearer(actors.new_token(database, actors.add_account(database)))
    user, thought = owner.user_id, owner.thought_id
    for method, path, body, status in (
        ("GET", f"/thoughts/{thought}", None, 404),
        ("DELETE", f"/thoughts/{thought}", None, 404),
        ("GET", f"/thoughts?user_id={user}", None, 403),
        ("GET", f"/thoughts?similar_to=x&user_id={user}", None, 403),
        ("GET", f"/usage?user_id={user}", None, 403),
        ("GET", f"/profile?user_id={user}", None, 403),
        ("PUT", f"/profile?user_id={user}", {"goals": ["x"]}, 403),
        ("PUT", "/profile", {"goals": ["x"], "user_id": str(user)}, 403),
        ("POST", "/thoughts", {"text": "x", "user_id": str(user)}, 403),
        ("GET", f"/thoughts/stream/{user}", None, 403),
        ("DELETE", f"/tokens/{owner.token_id}", None, 404),
    ):
        answer = thief.open(path, method=method, json=body, headers=header)
        assert answer.status_code == status, f"{method} {path}"
        assert answer.mimetype == "application/problem+json"
        assert "a thought" not in answer.text
    items = (thief.get("/thoughts", headers=header).json or {})["items"]
    assert items == []
    assert len((thief.get("/tokens", headers=header).json or {})["items"]) == 1
    [row] = database.rows(text("SELECT status FROM thoughts"))
    assert row.status == "pending"


def test_another_users_thing_and_a_missing_one_get_the_same_answer(
    app: Flask, database: Database, owner: Owned
) -> None:
    thief = app.test_client()
    header = actors.bearer(actors.new_token(database, actors.add_account(database)))
    for path, owned in (("/thoughts", owner.thought_id), ("/tokens", owner.token_id)):
        of_another, missing = (thief.delete(f"{path}/{key}", headers=header) for key in (owned, uuid4()))
        assert (of_another.status_code, of_another.data) == (404, missing.data)


def test_the_answers_say_what_is_wrong_as_rfc_6750_has_it(app: Flask, database: Database, owner: Owned) -> None:
    client = app.test_client()
    reader = actors.new_token(database, owner.user_id, {Scope.READ})
    for header, path, status, challenge in (
        (f"Bearer {new_token_text()}", "/thoughts", 401, 'Bearer realm="thoughts", error="invalid_token"'),
        ("Bearer tht_1", "/thoughts", 401, 'Bearer realm="thoughts", error="invalid_token"'),
        ("Basic YTpi", "/thoughts", 401, 'Bearer realm="thoughts"'),
        (
            f"Bearer {reader.text}", f"/thoughts/stream/{owner.user_id}", 403,
            'Bearer realm="thoughts", error="insufficient_scope", scope="stream"',
        ),
    ):  # fmt: skip
        answer = client.get(path, headers={"Authorization": header})
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert _unquoted(answer.headers["WWW-Authenticate"]) == _unquoted(challenge)
        assert header not in answer.text
    answer = client.get("/tokens")
    assert (answer.status_code, _unquoted(answer.headers["WWW-Authenticate"])) == (401, "Bearer realm=thoughts")


def test_a_token_that_was_copied_wrongly_is_told_without_a_query(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=False, database_url="postgresql+psycopg2://localhost:1/unreachable")
    answer = app.test_client().get("/thoughts", headers={"Authorization": f"Bearer {new_token_text()[:-1]}"})
    assert answer.status_code == 401
    assert "copied wrongly" in (answer.json or {})["detail"]
    right = app.test_client().get("/thoughts", headers={"Authorization": f"Bearer {new_token_text()}"})
    assert right.status_code == 503


@pytest.mark.parametrize(
    "header",
    [
        "", " ", "Bearer", "Bearer ", "Bearer  ,", "bearer", "Token {}", "{}", "Digest a=1", "Basic !!!", "Bearer =",
        "Bearer {},Bearer {}", "Bearer {}, Bearer {}", "Bearer {} {}", "Bearer token={}", 'Bearer "{}"',
        "Bearer {}\u00e9", "Bearer \u00ff\u00fe", "Bearer {}\x7f", "Bearer {}\u00a0", "Bearer " + "x" * 8000,
    ],
)  # fmt: skip
def test_a_header_that_holds_no_single_token_is_refused_even_beside_a_sign_in(
    app: Flask, database: Database, owner: Owned, header: str
) -> None:
    browser = actors.signed_in(app, database, owner.user_id)
    assert browser.get(f"/thoughts/{owner.thought_id}").status_code == 200
    token = actors.new_token(database, owner.user_id)
    sent = {"HTTP_AUTHORIZATION": header.replace("{}", token.text)}
    for path in (f"/thoughts/{owner.thought_id}", "/thoughts", "/", "/account/tokens"):
        answer = browser.get(path, environ_overrides=sent)
        assert answer.status_code == 401, path
        assert "WWW-Authenticate" in answer.headers


def test_the_scheme_is_read_in_any_case(app: Flask, database: Database, owner: Owned) -> None:
    token = actors.new_token(database, owner.user_id)
    for scheme in ("bearer", "BEARER", "Bearer "):
        header = {"Authorization": f"{scheme} {token.text}"}
        assert app.test_client().get(f"/thoughts/{owner.thought_id}", headers=header).status_code == 200


def test_a_token_in_the_query_or_the_body_is_worth_nothing(app: Flask, database: Database, owner: Owned) -> None:
    client, token = app.test_client(), actors.new_token(database, owner.user_id)
    for name in ("access_token", "token", "authorization", "ticket", "Authorization"):
        assert client.get(f"/thoughts/{owner.thought_id}?{name}={token.text}").status_code == 404
        assert client.get(f"/tokens?{name}={token.text}").status_code == 401
        assert client.get(f"/thoughts/stream/{owner.user_id}?{name}={token.text}").status_code in {401, 403}
    assert client.post("/thoughts", json={"text": "x", "access_token": token.text}).status_code == 422
    assert client.post("/thoughts", data={"text": "x", "access_token": token.text}).status_code == 403


def test_a_token_is_no_cookie_and_a_sign_in_is_no_token(app: Flask, database: Database, owner: Owned) -> None:
    token, browser = actors.new_token(database, owner.user_id), app.test_client()
    with browser.session_transaction() as session:
        session.update(_user_id=token.text, _fresh=True)
    assert browser.get(f"/thoughts/{owner.thought_id}").status_code == 404
    with actors.signed_in(app, database, owner.user_id).session_transaction() as session:
        header = {"Authorization": f"Bearer {session['_user_id']}"}
    assert app.test_client().get(f"/thoughts/{owner.thought_id}", headers=header).status_code == 401


def test_the_user_of_the_token_counts_and_not_the_one_of_the_cookie(
    app: Flask, database: Database, owner: Owned, count_rows: CountRows
) -> None:
    other = actors.account_with_things(app, database)
    browser = actors.signed_in(app, database, owner.user_id)
    header = actors.bearer(actors.new_token(database, other.user_id))
    assert browser.get(f"/thoughts/{other.thought_id}", headers=header).status_code == 200
    assert browser.get(f"/thoughts/{owner.thought_id}", headers=header).status_code == 404
    assert (browser.post("/thoughts", json={"text": "x"}, headers=header).json or {})["user_id"] == str(other.user_id)
    assert browser.get(f"/thoughts/{owner.thought_id}").status_code == 200, "the sign-in is as it was"


def test_a_request_with_a_token_is_not_signed_in_by_the_cookie_beside_it(
    app: Flask, database: Database, owner: Owned
) -> None:
    cookie = actors.signed_in(app, database, owner.user_id).get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    browser = {"Cookie": f"{cookie.key}={cookie.value}"}
    with app.test_request_context("/thoughts", headers=browser):
        assert identity.signed_in() is not None
    with app.test_request_context(
        "/thoughts", headers=browser | actors.bearer(actors.new_token(database, owner.user_id))
    ):
        assert identity.signed_in() is None


def test_checks_against_other_sites_do_not_apply_to_a_token_and_still_to_a_cookie_beside_it(
    app: Flask, database: Database, owner: Owned
) -> None:
    browser = actors.signed_in(app, database, owner.user_id)
    from_elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    token = actors.new_token(database, owner.user_id)
    right, wrong = actors.bearer(token), {"Authorization": f"Bearer {new_token_text()}"}
    assert browser.post("/thoughts", json={"text": "x"}, headers=from_elsewhere).status_code == 403
    assert browser.post("/thoughts", json={"text": "x"}, headers=from_elsewhere | wrong).status_code == 401
    assert browser.post("/thoughts", json={"text": "x"}, headers=from_elsewhere | right).status_code == 201
    assert browser.post("/thoughts", data={"text": "x"}, headers=from_elsewhere | right).status_code == 403
    assert browser.post("/account/sign-out", headers=from_elsewhere | right).status_code == 403
    ticket = browser.post("/thoughts/stream/ticket", data=b"", content_type="text/plain", headers=right)
    assert ticket.status_code == 201, "a type that a form may have needs no CSRF token beside an API token"
    assert browser.get("/account/").status_code == 200, "nobody was signed out"


def test_a_token_acts_for_its_account_alone_also_with_trust_user_id(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=True)
    owner = actors.account_with_things(app, database)
    header = actors.bearer(actors.new_token(database, actors.add_account(database)))
    assert app.test_client().get(f"/thoughts/{owner.thought_id}").status_code == 200
    assert app.test_client().get(f"/thoughts/{owner.thought_id}", headers=header).status_code == 404
    assert app.test_client().head(f"/thoughts/stream/{owner.user_id}", headers=header).status_code == 403


def _unquoted(challenge: str) -> str:
    return challenge.replace('"', "")
