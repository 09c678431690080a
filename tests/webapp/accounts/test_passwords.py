"""Passwords: what may be one, how the forms ask for it, and how it is stored."""

import re
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.accounts.browsers import send, send_form
from tests.webapp.conftest import MakeApp
from webapp.accounts.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH, hash_password, is_correct, is_outdated

EMAIL = "ada@example.org"
LONGEST = ("a b" * MAX_PASSWORD_LENGTH)[:MAX_PASSWORD_LENGTH]


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


@pytest.mark.parametrize("password", ["x" * (MIN_PASSWORD_LENGTH - 1), "x" * (MAX_PASSWORD_LENGTH + 1), ""])
def test_a_short_password_is_refused_beside_its_field(app: Flask, database: Database, password: str) -> None:
    browser = app.test_client()
    answer = send(browser, "/account/sign-up", email=EMAIL, password=password)
    status, page = answer.status_code, answer.text
    assert (status, 'id="password-error"' in page) == (422, True)
    assert database.rows(text("SELECT FROM users WHERE email IS NOT NULL")) == []


@pytest.mark.parametrize(
    ("password", "others"),
    [
        ("aaaaaaaaaaaa", ["AAAAAAAAAAAA", "aaaaaaaaaaaaa"]),
        (" with blanks at both ends ", ["with blanks at both ends"]),
        ("пароль из слов 🐈", ["пароль из слов 🐕"]),
        (LONGEST, [LONGEST[:-1], LONGEST[:72]]),
    ],
)
def test_any_characters_make_a_password_and_each_one_counts(app: Flask, password: str, others: list[str]) -> None:
    assert send_form(app.test_client(), "/account/sign-up", email=EMAIL, password=password) == 303
    for other in others:
        assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password=other) == 422, other
    assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password=password) == 303


@pytest.mark.parametrize("path", ["/account/sign-up", "/account/sign-in"])
def test_the_fields_hide_the_password_and_let_a_manager_fill_them(app: Flask, path: str) -> None:
    page = app.test_client().get(path).text
    fields = re.findall(r"<input [^>]*name=\"(?:password|email)\"[^>]*>", page)
    assert len(fields) == 2
    assert any('type="password"' in field for field in fields)
    assert all(re.search(r'autocomplete="(username|email|new-password|current-password)"', field) for field in fields)
    assert not re.search(r"onpaste|password hint|secret question", page)


def test_a_password_is_stored_as_argon2id_with_its_parameters(app: Flask, database: Database) -> None:
    for email in (EMAIL, "bob@example.org"):
        send_form(app.test_client(), "/account/sign-up", email=email, password="the same long password")
    hashes = [row.password_hash for row in database.rows(text("SELECT password_hash FROM users WHERE email > ''"))]
    assert len(set(hashes)) == 2, "each has a salt of its own"
    assert all(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for stored in hashes)


def test_a_hash_of_other_parameters_is_recognised() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("a long enough password")
    assert is_outdated(weaker)
    assert is_correct("a long enough password", weaker)
    assert not is_outdated(hash_password("a long enough password"))


def test_a_password_is_hashed_again_at_the_next_sign_in_when_the_parameters_have_changed(
    app: Flask, database: Database
) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("a long enough password")
    send_form(app.test_client(), "/account/sign-up", email=EMAIL, password="a long enough password")
    database.rows(text("UPDATE users SET password_hash = :hash"), hash=weaker)
    assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password="a wrong password") == 422
    [row] = database.rows(text("SELECT password_hash FROM users WHERE email > ''"))
    assert row.password_hash == weaker
    assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password="a long enough password") == 303
    [row] = database.rows(text("SELECT password_hash FROM users WHERE email > ''"))
    assert not is_outdated(row.password_hash)
    assert is_correct("a long enough password", row.password_hash)


def test_a_password_does_not_expire(app: Flask, database: Database) -> None:
    send_form(app.test_client(), "/account/sign-up", email=EMAIL, password="a long enough password")
    database.rows(text("UPDATE users SET created_at = created_at - CAST(:age AS interval)"), age=timedelta(days=4000))
    assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password="a long enough password") == 303
