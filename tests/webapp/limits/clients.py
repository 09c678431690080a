"""Browsers and programs of the tests of the limits, each with an address of its own."""

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a long enough password"


def client_at(app: Flask, address: str) -> FlaskClient:
    """Return a client without a cookie that connects from an address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def send_form(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send the form of a page with its token, as a browser does."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert token is not None
    return client.post(path, data=fields | {"csrf_token": token[1]})


def sign_in(client: FlaskClient, email: str, password: str = "a wrong password") -> TestResponse:
    return send_form(client, "/account/sign-in", email=email, password=password)


def sign_up(client: FlaskClient, email: str) -> None:
    assert send_form(client, "/account/sign-up", email=email, password=PASSWORD).status_code == 303


def post_thought(client: FlaskClient, **body: Any) -> TestResponse:
    return client.post("/thoughts", json={"text": "a thought"} | body)


def statuses(*responses: TestResponse) -> list[int]:
    return [response.status_code for response in responses]
