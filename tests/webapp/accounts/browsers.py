"""Browsers with accounts: they sign up and in with the forms, as people do."""

import re
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database

PASSWORD = "a long enough password"


def send_form(client: FlaskClient, path: str, **fields: str) -> int:
    """Open a page, and send its form with its token as a browser does; return the status."""
    return answer_of_form(client, path, **fields)[0]


def answer_of_form(client: FlaskClient, path: str, **fields: str) -> tuple[int, str]:
    """Open a page, and send its form with its token as a browser does; return status and page."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert token is not None
    response = client.post(path, data=fields | {"csrf_token": token[1]})
    return response.status_code, response.text


def sign_up(app: Flask, email: str) -> FlaskClient:
    """Return a browser that has created an account."""
    browser = app.test_client()
    browser.get("/")
    assert send_form(browser, "/account/sign-up", email=email, password=PASSWORD) == 303
    return browser


def sign_in(app: Flask, email: str) -> FlaskClient:
    """Return another browser that has signed in."""
    browser = app.test_client()
    assert send_form(browser, "/account/sign-in", email=email, password=PASSWORD) == 303
    return browser


def account_id(database: Database, email: str) -> UUID:
    """Return the id of the account with this address."""
    row = database.row(text("SELECT id FROM users WHERE email = :email"), email=email)
    assert row is not None
    return UUID(str(row.id))


def sign_up_administrator(app: Flask, database: Database, email: str = "root@example.org") -> FlaskClient:
    """Return a browser whose new account is an administrator."""
    browser = sign_up(app, email)
    database.rows(text("UPDATE users SET is_admin = true WHERE email = :email"), email=email)
    return browser


def age_sign_ins(database: Database, interval: str) -> None:
    """Let all sign-ins have begun earlier."""
    statement = text("UPDATE sign_ins SET created_at = created_at - CAST(:age AS interval)")
    database.rows(statement, age=interval)
