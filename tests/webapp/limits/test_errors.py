"""An error of the application is none of Redis: the limits of all processes together stay on."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.eventually import eventually
from tests.webapp.conftest import MakeApp
from tests.webapp.limits.clients import client_at, post_thought, statuses

ODD_COOKIE = "remember_token=x|\xc3\xa9"


def visit_with_an_odd_cookie(app: Flask) -> int:
    browser = app.test_client(use_cookies=False)
    return browser.get("/", environ_overrides={"HTTP_COOKIE": ODD_COOKIE}).status_code


def visit_with_a_sign_in_that_fails(app: Flask) -> int:
    """Send a cookie with a sign-in, whose search ends in an error that no code expects."""

    def fail(token: str) -> None:
        raise ZeroDivisionError("a defect")

    eventually(lambda: app.extensions["services"].readiness.postgres().ok)
    app.login_manager.user_loader(fail)  # type: ignore[attr-defined]
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = "a token"
    return browser.get("/").status_code


def visit_with_an_odd_query(app: Flask) -> int:
    return app.test_client().get("/", environ_overrides={"QUERY_STRING": "q=\xff"}).status_code


@pytest.mark.parametrize(
    ("visit", "status"),
    [(visit_with_an_odd_cookie, 200), (visit_with_a_sign_in_that_fails, 500), (visit_with_an_odd_query, 200)],
)
def test_no_request_lets_a_process_count_alone(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, visit: Callable[[Flask], int], status: int
) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_address="2/hour")
    client = visitor(app)
    assert post_thought(client).status_code == 201
    assert visit(app) == status
    assert [record for record in caplog.records if record.name == "flask-limiter"] == []
    assert statuses(post_thought(client), post_thought(client)) == [201, 429]


def visitor(app: Flask) -> FlaskClient:
    client = client_at(app, "192.0.2.1")
    client.get("/")
    return client


def test_an_odd_cookie_neither_fails_nor_signs_in(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    assert visit_with_an_odd_cookie(app) == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
