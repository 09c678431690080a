"""Without TRUST_USER_ID nothing is accepted from a client that could not be recognised later."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from tests.webapp.conftest import CountRows, MakeApp

TEXT = "Should I learn Rust this winter? <b>"
FORM = {"text": TEXT, "nonce": "n"}


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"trust_user_id": False}


@pytest.fixture
def cookieless(app: Flask) -> FlaskClient:
    """A client that keeps no cookies: a browser that refuses them, or curl without a cookie jar."""
    return app.test_client(use_cookies=False)


def test_a_form_without_a_cookie_is_refused_and_keeps_its_text(cookieless: FlaskClient, count_rows: CountRows) -> None:
    for _ in range(2):
        cookieless.get("/")
        response = cookieless.post("/thoughts", data=FORM)
        assert (response.status_code, response.mimetype) == (403, "text/html")
        assert "Nothing was stored. Allow cookies for this site" in response.text
        assert "Should I learn Rust this winter? &lt;b&gt;</textarea>" in response.text
    assert (count_rows("thoughts"), count_rows("users")) == (0, 0)


def test_a_browser_whose_cookie_was_deleted_meanwhile_only_has_to_send_its_form_again(
    client: FlaskClient, count_rows: CountRows
) -> None:
    refused = client.post("/thoughts", data=FORM)
    assert refused.status_code == 403
    [nonce] = re.findall('name="nonce" value="([^"]+)"', refused.text)
    response = client.post("/thoughts", data=FORM | {"nonce": nonce})
    assert response.status_code == 303
    assert client.get(response.headers["Location"]).status_code == 200
    assert count_rows("thoughts") == 1


def test_json_without_a_cookie_is_refused_with_what_to_do(cookieless: FlaskClient, count_rows: CountRows) -> None:
    for response in (
        cookieless.post("/thoughts", json={"text": TEXT}),
        cookieless.post("/thoughts", json={"text": TEXT}, headers={"Idempotency-Key": "k"}),
        cookieless.put("/profile", json={"goals": ["Sleep more"]}),
    ):
        assert (response.status_code, response.mimetype) == (403, "application/problem+json")
        assert "Nothing was stored." in (response.json or {})["detail"]
        assert "curl: --cookie jar" in (response.json or {})["detail"]
    assert (count_rows("thoughts"), count_rows("users")) == (0, 0)


def test_a_program_that_keeps_the_cookie_of_the_refusal_can_repeat_its_request(client: FlaskClient) -> None:
    assert client.post("/thoughts", json={"text": TEXT}).status_code == 403
    accepted = client.post("/thoughts", json={"text": TEXT})
    assert accepted.status_code == 201
    for path in (accepted.json or {})["links"].values():
        assert client.head(path).status_code == 200


def test_a_profile_without_a_cookie_is_refused_and_keeps_what_was_written(
    cookieless: FlaskClient, count_rows: CountRows
) -> None:
    response = cookieless.post("/profile/edit", data={"goals": "Sleep more", "version": "0"})
    assert (response.status_code, "Sleep more</textarea>" in response.text) == (403, True)
    assert "Nothing was stored." in response.text
    assert count_rows("users") == 0


def test_a_cookie_of_a_former_key_is_refused_and_replaced(make_app: MakeApp, count_rows: CountRows) -> None:
    former = make_app(secret_key=SecretStr("a-former-key-for-tests-only"))
    app = make_app()
    app.config["SESSION_COOKIE_NAME"] = former.config["SESSION_COOKIE_NAME"]  # the worst case: the names are equal
    old, browser = former.test_client(), app.test_client()
    old.get("/")
    cookie = old.get_cookie(former.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    browser.set_cookie(cookie.key, cookie.value)
    assert browser.post("/thoughts", data=FORM | {"csrf_token": "of the former page"}).status_code == 403
    assert browser.post("/thoughts", data=FORM).status_code == 303
    assert count_rows("thoughts") == 1


def test_over_http_the_refusal_names_the_other_address_because_a_browser_sends_secure_cookies_only_there(
    cookieless: FlaskClient,
) -> None:
    for scheme in ("http", "https"):
        response = cookieless.post("/thoughts", data=FORM, base_url=f"{scheme}://localhost")
        assert (response.status_code, "with https:// before" in response.text) == (403, scheme == "http")


def test_a_visitor_at_an_ipv6_address_is_recognised(app: Flask) -> None:
    browser = app.test_client()
    for base_url in ("http://[2001:db8::7]:8000", "http://192.168.1.7:8000"):
        browser.get("/", base_url=base_url)
        response = browser.post("/thoughts", data=FORM, base_url=base_url)
        assert response.status_code == 303
        assert browser.get(response.headers["Location"], base_url=base_url).status_code == 200


def test_reading_needs_no_cookie(cookieless: FlaskClient) -> None:
    for path in ("/", "/thoughts", "/profile", "/profile/edit", "/usage", "/search"):
        assert cookieless.get(path).status_code == 200
