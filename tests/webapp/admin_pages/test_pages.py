"""The administrators' pages: who sees them, what they show, and what they do not."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.accounts.browsers import account_id, age_sign_ins, sign_in, sign_up, sign_up_administrator
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit

SECRET = "the cat must never know about the dog"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


@pytest.fixture
def administrator(app: Flask, database: Database) -> FlaskClient:
    return sign_up_administrator(app, database)


def fail(database: Database, thought: Any, failure_id: str, **headers: str) -> None:
    """Write an open dead letter of a thought, with its text wherever a dead letter may hold it."""
    database.rows(text("UPDATE thoughts SET status = 'failed', finished_at = now() WHERE id = :id"), id=thought)
    statement = text("""
        INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
        VALUES (:failure, :thought, 1, 'permanent', convert_to(:secret, 'UTF8'), jsonb_build_object(
            'agent', 'analysis', 'error_class', 'PermanentError', 'attempts', 3, 'message', CAST(:secret AS text),
            'stack', CAST(:secret AS text), 'original_key', CAST(:secret AS text),
            'original_headers', CAST(:secret AS text)))
    """)
    database.rows(statement, failure=failure_id, thought=thought, secret=SECRET)


def test_the_page_shows_numbers_and_dead_letters_without_any_text(
    app: Flask, database: Database, administrator: FlaskClient
) -> None:
    author = sign_up(app, "ada@example.org")
    failed, _ = submit(author, SECRET), submit(author, "another thought")
    fail(database, failed, f"{failed}:1")
    page = administrator.get("/admin")
    assert page.status_code == 200
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td>([^<]+)</td>', page.text))
    assert (rows["pending"], rows["failed"], rows["completed"], rows["open dead letters"]) == ("1", "1", "0", "1")
    assert (rows["users"], rows["accounts"], rows["administrators"], rows["disabled"]) == ("2", "2", "1", "0")
    for part in (f"{failed}:1", "permanent", "analysis", "PermanentError", f"/admin/thoughts/{failed}/reveal"):
        assert part in page.text
    assert SECRET not in page.text


def test_the_dead_letters_have_pages(app: Flask, database: Database, administrator: FlaskClient) -> None:
    thought = submit(administrator)
    for number in range(60):
        fail(database, thought, f"{thought}:{number + 1}")
    seen: list[str] = []
    url: str | None = "/admin"
    while url:
        page = administrator.get(url).text
        seen += re.findall(r"<code>([^<]+:\d+)</code>", page)
        match = re.search(r'href="(/admin\?cursor=[^"]+)"', page)
        url = match[1] if match else None
    assert sorted(seen) == sorted(f"{thought}:{number + 1}" for number in range(60))


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/admin", ("GET", "HEAD", "OPTIONS")), ("/admin/thoughts/{thought}/reveal", ("GET", "HEAD", "OPTIONS", "POST"))],
)
def test_everybody_else_gets_the_same_404_as_for_a_page_that_does_not_exist(
    app: Flask, database: Database, path: str, methods: tuple[str, ...]
) -> None:
    author = sign_up(app, "ada@example.org")
    thought = submit(author, SECRET)
    anonymous = app.test_client()
    anonymous.get("/")
    html = {"Accept": "text/html"}
    for client in (app.test_client(), anonymous, author):
        missing = client.get("/nowhere", headers=html)
        for method in methods:
            response = client.open(path.format(thought=thought), method=method, headers=html, json={})
            assert response.status_code == 404, method
            assert response.text == ("" if method == "HEAD" else missing.text)


def test_an_account_that_is_no_administrator_any_more_gets_404_at_once(
    app: Flask, database: Database, administrator: FlaskClient
) -> None:
    assert administrator.get("/admin").status_code == 200
    database.rows(text("UPDATE users SET is_admin = false"))
    assert administrator.get("/admin").status_code == 404


def test_with_trust_user_id_only_an_administrator_sees_the_page(make_app: MakeApp, database: Database) -> None:
    app = make_app(trust_user_id=True)
    administrator = sign_up_administrator(app, database)
    user = account_id(database, "root@example.org")
    assert administrator.get("/admin").status_code == 200
    assert app.test_client().get(f"/admin?user_id={user}").status_code == 404


def test_an_administrator_signs_in_again_after_an_hour(
    app: Flask, database: Database, administrator: FlaskClient
) -> None:
    thought = submit(sign_up(app, "ada@example.org"), SECRET)
    path = f"/admin/thoughts/{thought}/reveal"
    age_sign_ins(database, "59 minutes")
    assert administrator.get("/admin").status_code == 200
    form = administrator.get(path).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token
    age_sign_ins(database, "2 minutes")
    response = administrator.get("/admin")
    assert (response.status_code, response.location) == (303, "/account/sign-in?next=/admin")
    assert "more than an hour ago" in administrator.get("/account/sign-in").text
    answer = administrator.post(path, data={"reason": "the author asked me to", "csrf_token": token[1]})
    assert answer.status_code == 403
    assert "the author asked me to" in answer.text, "nothing that a person wrote is lost"
    assert SECRET not in answer.text
    assert administrator.get("/").status_code == 200, "the sign-in itself goes on"
    assert sign_in(app, "root@example.org").get("/admin").status_code == 200
