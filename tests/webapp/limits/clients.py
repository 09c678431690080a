"""Browsers and programs of the tests of the limits, each with an address of its own."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.accounts.browsers import PASSWORD, send


def client_at(app: Flask, address: str) -> FlaskClient:
    """Return a client without a cookie that connects from an address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def sign_in(client: FlaskClient, email: str, password: str = "a wrong password") -> TestResponse:
    return send(client, "/account/sign-in", email=email, password=password)


def sign_up(client: FlaskClient, email: str) -> None:
    assert send(client, "/account/sign-up", email=email, password=PASSWORD).status_code == 303


def post_thought(client: FlaskClient, **body: Any) -> TestResponse:
    return client.post("/thoughts", json={"text": "a thought"} | body)


def statuses(*responses: TestResponse) -> list[int]:
    return [response.status_code for response in responses]
