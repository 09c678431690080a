"""Sign-ins: their tokens, their limits, and their end."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.accounts.browsers import PASSWORD, account_id, send_form, sign_in, sign_up
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit
from webapp.accounts import sign_ins
from webapp.accounts.secrets import hash_token

EMAIL = "ada@example.org"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


def copy_cookie(app: Flask, browser: FlaskClient) -> FlaskClient:
    """Return another client with the present cookie of a browser."""
    name, other = app.config["SESSION_COOKIE_NAME"], app.test_client()
    cookie = browser.get_cookie(name)
    assert cookie is not None
    other.set_cookie(name, cookie.value)
    return other


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account/").status_code == 200


def test_each_sign_in_has_a_token_of_its_own_and_only_its_hash_is_stored(app: Flask, database: Database) -> None:
    sign_up(app, EMAIL)
    user = account_id(database, EMAIL)
    tokens = {sign_ins.begin(database, user, "") for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) == 43 for token in tokens), "256 bits"
    rows = database.rows(text("SELECT token_hash, sign_ins::text AS row FROM sign_ins"))
    assert {hash_token(token) for token in tokens} <= {bytes(row.token_hash) for row in rows}
    assert not [token for token in tokens for row in rows if token in row.row]


def test_a_planted_cookie_is_worth_nothing_after_the_sign_in(app: Flask) -> None:
    sign_up(app, EMAIL)
    attacker = app.test_client()
    attacker.get("/")
    victim = copy_cookie(app, attacker)
    send_form(victim, "/account/sign-in", email=EMAIL, password=PASSWORD)
    assert is_signed_in(victim)
    assert not is_signed_in(attacker)


@pytest.mark.parametrize(
    ("column", "within", "beyond"), [("last_used_at", "13 days", "1 day"), ("created_at", "89 days", "1 day")]
)
def test_a_sign_in_ends_after_its_limits(app: Flask, database: Database, column: str, within: str, beyond: str) -> None:
    browser = sign_up(app, EMAIL)
    thought = submit(browser)
    age = text(f"UPDATE sign_ins SET {column} = {column} - CAST(:age AS interval)")
    database.rows(age, age=within)
    assert is_signed_in(copy_cookie(app, browser))
    database.rows(text("UPDATE sign_ins SET last_used_at = now()"))
    if column == "last_used_at":
        database.rows(age, age=within)
    database.rows(age, age=beyond)
    assert not is_signed_in(browser)
    assert browser.get(f"/thoughts/{thought}").status_code == 404


def test_a_copy_of_the_cookie_is_worth_nothing_after_the_sign_out(app: Flask) -> None:
    browser = sign_up(app, EMAIL)
    other, thief = sign_in(app, EMAIL), copy_cookie(app, browser)
    assert is_signed_in(thief)
    browser.get("/account/")
    browser.post("/account/sign-out", data={})
    assert not is_signed_in(thief)
    assert is_signed_in(other)
    other.get("/account/")
    other.post("/account/sign-out-everywhere", data={})
    assert not is_signed_in(other)
