"""A form needs the CSRF token of its browser; a refused one is shown again with all that a person wrote."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.conftest import CountRows
from tests.webapp.http_client import TOKEN, submit

TEXT = "Should I learn Rust this winter? <b>"
SHOWN = "Should I learn Rust this winter? &lt;b&gt;</textarea>"


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.fixture
def foreign(app: Flask) -> str:
    """The token of another browser, which an attacker can get from this site."""
    return token_of(app.test_client().get("/").text)


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """A browser that has opened the page."""
    client.get("/")
    return client


def token_of(page: str) -> str:
    found = TOKEN.search(page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("kind", ["missing", "foreign", "invalid"])
def test_a_thought_with_a_wrong_token_is_refused_and_its_form_can_be_sent_again(
    client: FlaskClient, foreign: str, kind: str, count_rows: CountRows
) -> None:
    token = {"missing": "", "foreign": foreign, "invalid": "invalid"}[kind]
    refused = client.post("/thoughts", data={"text": TEXT, "nonce": "kept", "csrf_token": token})
    assert (refused.status_code, count_rows("thoughts")) == (403, 0)
    assert SHOWN in refused.text
    assert 'name="nonce" value="kept"' in refused.text
    again = client.post("/thoughts", data={"text": TEXT, "nonce": "kept", "csrf_token": token_of(refused.text)})
    assert (again.status_code, count_rows("thoughts")) == (303, 1)


def test_a_profile_with_a_wrong_token_is_refused_and_its_form_can_be_sent_again(
    client: FlaskClient, foreign: str
) -> None:
    fields = {"goals": TEXT, "version": "0"}
    for token in ("", foreign):
        refused = client.post("/profile/edit", data=fields | {"csrf_token": token})
        assert (refused.status_code, SHOWN in refused.text) == (403, True)
        assert 'name="version" value="0"' in refused.text
        assert "Rust" not in client.get("/profile").text
    again = client.post("/profile/edit", data=fields | {"csrf_token": token_of(refused.text)})
    assert (again.status_code, "Rust" in client.get("/profile").text) == (303, True)


def test_a_deletion_with_a_wrong_token_deletes_nothing(client: FlaskClient, foreign: str) -> None:
    thought = submit(client)
    for token in ("", foreign):
        refused = client.post(f"/thoughts/{thought}/delete", data={"csrf_token": token})
        assert (refused.status_code, "Nothing was done" in refused.text) == (403, True)
    assert client.get(f"/t/{thought}").status_code == 200


def test_a_form_that_is_sent_as_plain_text_needs_a_token_too(client: FlaskClient) -> None:
    """HTML lets a page of another site choose this type; it is no JSON, and would need no permission of CORS."""
    thought = submit(client)
    assert client.post(f"/thoughts/{thought}/delete", data="x=", content_type="text/plain").status_code == 403
    assert client.get(f"/t/{thought}").status_code == 200


def test_a_page_has_one_token_for_as_long_as_the_cookie(client: FlaskClient) -> None:
    """A second tab must not end the form of the first."""
    first, second = token_of(client.get("/").text), token_of(client.get("/profile/edit").text)
    for token in (first, second):
        assert client.post("/thoughts", data={"text": TEXT, "csrf_token": token}).status_code == 303
