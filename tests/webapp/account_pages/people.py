"""People with an account, and their browsers."""

from typing import Final

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database, Row

EMAIL: Final = "ada@example.org"
PASSWORD: Final = "a long enough password"
OTHER_PASSWORD: Final = "another long password"


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page, and send its form as a browser does."""
    client.get(path)
    return client.post(path, data=fields)


def new_account(app: Flask, email: str = EMAIL) -> FlaskClient:
    """Return a browser that is signed in to a new account."""
    browser = app.test_client()
    browser.get("/")
    assert send(browser, "/account/sign-up", email=email, password=PASSWORD).status_code == 303
    assert is_signed_in(browser)
    return browser


def signed_in(app: Flask, email: str = EMAIL, password: str = PASSWORD) -> FlaskClient:
    """Return another browser that is signed in to an account."""
    browser = app.test_client()
    assert can_sign_in(browser, email, password)
    return browser


def can_sign_in(browser: FlaskClient, email: str = EMAIL, password: str = PASSWORD) -> bool:
    return send(browser, "/account/sign-in", email=email, password=password).status_code == 303


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/account/").status_code == 200


def kinds(database: Database) -> list[str]:
    """Return the kinds of all security events, in order."""
    return [row.kind for row in database.rows(text("SELECT kind FROM security_events ORDER BY id"))]


def account_row(database: Database, email: str = EMAIL) -> Row:
    [row] = database.rows(text("SELECT * FROM users WHERE email = :email"), email=email)
    return row
