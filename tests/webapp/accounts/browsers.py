"""Browsers of people with accounts: they sign up and in with the forms, as people do."""

from typing import Final
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database, Row

EMAIL: Final = "ada@example.org"
PASSWORD: Final = "a long enough password"
OTHER_PASSWORD: Final = "another long password"


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page, and send its form with its token as a browser does."""
    client.get(path)
    return client.post(path, data=fields)


def send_form(client: FlaskClient, path: str, **fields: str) -> int:
    """Send a form as `send` does; return the status."""
    return send(client, path, **fields).status_code


def sign_up(app: Flask, email: str = EMAIL) -> FlaskClient:
    """Return a browser that has created an account."""
    browser = app.test_client()
    browser.get("/")
    assert send_form(browser, "/account/sign-up", email=email, password=PASSWORD) == 303
    assert is_signed_in(browser)
    return browser


def sign_in(app: Flask, email: str = EMAIL, password: str = PASSWORD) -> FlaskClient:
    """Return another browser that has signed in."""
    browser = app.test_client()
    assert can_sign_in(browser, email, password)
    return browser


def can_sign_in(browser: FlaskClient, email: str = EMAIL, password: str = PASSWORD) -> bool:
    return send_form(browser, "/account/sign-in", email=email, password=password) == 303


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/account/").status_code == 200


def account_row(database: Database, email: str = EMAIL) -> Row:
    [row] = database.rows(text("SELECT * FROM users WHERE email = :email"), email=email)
    return row


def account_id(database: Database, email: str = EMAIL) -> UUID:
    """Return the id of the account with this address."""
    return UUID(str(account_row(database, email).id))


def sign_up_administrator(app: Flask, database: Database, email: str = "root@example.org") -> FlaskClient:
    """Return a browser whose new account is an administrator."""
    browser = sign_up(app, email)
    database.rows(text("UPDATE users SET is_admin = true WHERE email = :email"), email=email)
    return browser


def age_sign_ins(database: Database, interval: str) -> None:
    """Let all sign-ins have begun earlier."""
    statement = text("UPDATE sign_ins SET created_at = created_at - CAST(:age AS interval)")
    database.rows(statement, age=interval)
