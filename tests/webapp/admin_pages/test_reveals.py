"""The reveal of a thought's text: only with a reason, and never without the events in both security logs."""

from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.accounts.browsers import account_id, send, send_form, sign_up, sign_up_administrator
from tests.webapp.accounts.security_log import events, kinds
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import submit

SECRET = "the cat must never know about the dog"
REASON = "Its author asked why it failed <b>twice</b>."


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(trust_user_id=False)


@pytest.fixture
def administrator(app: Flask, database: Database) -> FlaskClient:
    return sign_up_administrator(app, database)


@pytest.fixture
def author(app: Flask) -> FlaskClient:
    return sign_up(app, "ada@example.org")


def path_of(thought: UUID) -> str:
    return f"/admin/thoughts/{thought}/reveal"


def test_a_text_is_shown_for_a_reason_and_both_security_logs_say_so(
    database: Database, administrator: FlaskClient, author: FlaskClient
) -> None:
    thought = submit(author, SECRET)
    assert SECRET not in administrator.get(path_of(thought)).text
    answer = send(administrator, path_of(thought), reason=f"  {REASON} ")
    status, page = answer.status_code, answer.text
    assert (status, SECRET in page) == (200, True)
    ada, root = account_id(database, "ada@example.org"), account_id(database, "root@example.org")
    said = {"thought_id": str(thought), "reason": REASON}
    assert events(database, ada)[-1] == ("text-revealed", "", said | {"administrator": str(root)})
    assert events(database, root)[-1] == ("revealed-text", "127.0.0.1", said)


def test_the_author_sees_who_read_the_text_when_and_why(administrator: FlaskClient, author: FlaskClient) -> None:
    thought = submit(author, SECRET)
    assert "An administrator read" not in author.get("/account/security").text
    send_form(administrator, path_of(thought), reason=REASON)
    page = author.get("/account/security").text
    assert "An administrator read the text of one of your thoughts" in page
    assert "Its author asked why it failed &lt;b&gt;twice&lt;/b&gt;." in page
    assert str(thought) in page
    assert SECRET not in page


def test_an_anonymous_author_sees_it_too(app: Flask, administrator: FlaskClient) -> None:
    author = app.test_client()
    author.get("/")
    send_form(administrator, path_of(submit(author, SECRET)), reason=REASON)
    assert "An administrator read the text of one of your thoughts" in author.get("/account/security").text


def test_an_author_whose_thoughts_joined_an_account_sees_it_there(
    app: Flask, database: Database, administrator: FlaskClient, author: FlaskClient
) -> None:
    anonymous = app.test_client()
    anonymous.get("/")
    send_form(administrator, path_of(submit(anonymous, SECRET)), reason=REASON)
    ada = account_id(database, "ada@example.org")
    database.rows(text("UPDATE users SET account_id = :ada WHERE is_anonymous"), ada=ada)
    assert "An administrator read the text of one of your thoughts" in author.get("/account/security").text


@pytest.mark.parametrize("reason", ["", "because", "\u200b" * 20, " a b c d e ", "x" * 501])
def test_without_a_reason_nothing_is_shown_or_logged_and_what_was_written_stays(
    database: Database, administrator: FlaskClient, author: FlaskClient, reason: str
) -> None:
    thought = submit(author, SECRET)
    before = kinds(database)
    answer = send(administrator, path_of(thought), reason=reason)
    status, page = answer.status_code, answer.text
    assert (status, SECRET in page) == (422, False)
    assert reason in page
    assert 'id="reason-error"' in page
    assert kinds(database) == before


def test_without_the_token_of_the_form_nothing_is_shown_or_logged(
    database: Database, administrator: FlaskClient, author: FlaskClient
) -> None:
    thought = submit(author, SECRET)
    before = kinds(database)
    outdated = administrator.post(path_of(thought), data={"reason": REASON, "csrf_token": "of another site"})
    assert outdated.status_code == 403
    assert "Its author asked why it failed &lt;b&gt;twice" in outdated.text, "nothing that a person wrote is lost"
    for response in (
        outdated,
        administrator.post(path_of(thought), data={"reason": REASON, "csrf_token": ""}),
        administrator.post(path_of(thought), json={"reason": REASON}),
        administrator.post(path_of(thought), query_string={"reason": REASON}),
        administrator.get(path_of(thought), query_string={"reason": REASON}),
    ):
        assert SECRET not in response.text
    assert kinds(database) == before


def test_what_is_deleted_or_does_not_exist_cannot_be_revealed(
    database: Database, administrator: FlaskClient, author: FlaskClient
) -> None:
    deleted, other = submit(author, SECRET), submit(author, "another thought")
    author.delete(f"/thoughts/{deleted}")
    before = kinds(database)
    for thought in (deleted, uuid4()):
        assert administrator.get(path_of(thought)).status_code == 404
        form = administrator.get(path_of(other)).text
        token = form.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
        answer = administrator.post(path_of(thought), data={"reason": REASON, "csrf_token": token})
        assert answer.status_code == 404
    assert kinds(database) == before
