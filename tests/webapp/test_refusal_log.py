"""Each refused request is a line of the log that says why, without what may be secret."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contracts.database import Database
from tests.webapp.accounts.browsers import age_sign_ins, sign_up, sign_up_administrator
from tests.webapp.conftest import MakeApp
from tests.webapp.http_client import get_thought, submit

EVIL = {"Origin": "https://evil.example"}
SECRET = "words that no log may hold"


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the lines about refusals since the last call."""
    caplog.set_level(logging.INFO, "webapp.refusal_log")

    def read() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name == "webapp.refusal_log"]
        caplog.clear()
        return found

    return read


@pytest.fixture
def visitor(client: FlaskClient) -> FlaskClient:
    client.get("/")
    return client


Refused = Callable[[FlaskClient], TestResponse]

BY_STATUS: dict[str, Refused] = {
    "POST /thoughts is refused with 403: another site made a browser send it": lambda client: client.post(
        "/thoughts", json={"text": SECRET}, headers=EVIL
    ),
    "POST /thoughts is refused with 403: its form has a missing or foreign CSRF token": lambda client: client.post(
        "/thoughts", data={"text": SECRET, "csrf_token": SECRET}
    ),
    "POST /profile/edit is refused with 403: its form has a missing or foreign CSRF token": lambda client: client.post(
        "/profile/edit", data={"goals": SECRET, "version": "0", "csrf_token": ""}
    ),
    "POST /account/sign-in is refused with 403: its form has a missing or foreign CSRF token": lambda client: (
        client.post("/account/sign-in", data={"email": "a@example.org", "password": SECRET, "csrf_token": ""})
    ),
    "GET /usage is refused with 401: it has no valid token": lambda client: client.get(
        "/usage", headers={"Authorization": f"Bearer {SECRET}"}
    ),
    "GET /admin is refused with 404: the page is for administrators": lambda client: client.get("/admin"),
}


@pytest.mark.parametrize("line", BY_STATUS)
def test_a_refusal_is_one_line_with_its_reason(
    visitor: FlaskClient, lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture, line: str
) -> None:
    lines()
    answer = BY_STATUS[line](visitor)
    assert answer.status_code >= 400
    assert [record.__dict__["address"] for record in caplog.records if "refused" in record.msg] == ["127.0.0.1"]
    assert SECRET not in caplog.text
    assert lines() == [line]


def test_what_belongs_to_another_user_is_refused_with_a_line_that_names_who_asked(
    app: Flask, visitor: FlaskClient, lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    thought, stranger = submit(visitor), app.test_client()
    stranger.get("/")
    owner, other = get_thought(visitor, thought)["user_id"], get_thought(stranger, submit(stranger))["user_id"]
    lines()
    assert stranger.get(f"/thoughts/{thought}").status_code == 404
    assert stranger.delete(f"/thoughts/{thought}").status_code == 404
    assert stranger.get(f"/thoughts?user_id={owner}").status_code == 403
    assert {str(record.__dict__["user_id"]) for record in caplog.records if "refused" in record.msg} == {other}
    assert str(thought) not in caplog.text
    reason = "it is about what belongs to another user"
    assert lines() == [
        f"GET /thoughts/<uuid:thought_id> is refused with 404: {reason}",
        f"DELETE /thoughts/<uuid:thought_id> is refused with 404: {reason}",
        f"GET /thoughts is refused with 403: {reason}",
    ]


def test_a_foreign_host_and_an_old_sign_in_of_an_administrator_are_refused_with_a_line(
    app: Flask, make_app: MakeApp, database: Database, lines: Callable[[], list[str]]
) -> None:
    make_app(allowed_hosts="thoughts.example").test_client().get("/", headers={"Host": "evil.example"})
    assert lines() == ["GET / is refused with 400: its host name is not one of ALLOWED_HOSTS"]
    administrator = sign_up_administrator(app, database)
    age_sign_ins(database, "2 hours")
    assert administrator.get("/admin").status_code == 303
    assert lines() == ["GET /admin is refused with 303: the administrator signed in more than an hour ago"]


def test_what_is_served_and_what_does_not_exist_is_no_refusal(app: Flask, lines: Callable[[], list[str]]) -> None:
    browser = sign_up(app)
    thought = submit(browser)
    for path in ("/", f"/thoughts/{thought}", "/nowhere", "/thoughts/00000000-0000-0000-0000-000000000000"):
        browser.get(path)
    app.test_client().get("/account/")
    assert lines() == []
