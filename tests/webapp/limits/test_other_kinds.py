"""The limits of resets, exports, checked passwords and batches, on routes of the test that stand for their pages."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.webapp.conftest import MakeApp
from tests.webapp.limits.clients import client_at, sign_up, statuses
from webapp.limits import costs, rules
from webapp.limits.rules import Kind

EMAIL = "ada@example.org"

MakeRoute = Callable[..., Flask]


@pytest.fixture
def make_route(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> MakeRoute:
    """Return an application with a route of one kind, which counts the `thoughts` of its JSON."""

    def make(kind: Kind, **settings: str) -> Flask:
        endpoint = f"test_{uuid4().hex}"
        app = make_app(trust_user_id=False, **settings)
        app.add_url_rule("/counted", endpoint, lambda: ("", 204), methods=["POST"])
        monkeypatch.setattr(rules, "ENDPOINTS", {**rules.ENDPOINTS, endpoint: kind})
        monkeypatch.setattr(costs, "COUNTED_LISTS", {endpoint: "thoughts"})
        return app

    return make


def send(client: FlaskClient, **body: object) -> TestResponse:
    return client.post("/counted", json=body)


def browser_of(app: Flask, address: str = "192.0.2.1") -> FlaskClient:
    client = client_at(app, address)
    client.get("/")
    return client


def test_resets_are_limited_for_each_email_address_but_not_for_the_browser_of_its_owner(make_route: MakeRoute) -> None:
    app = make_route("resets", limit_resets_per_email="1/hour", limit_resets_per_device="2/hour")
    owner = client_at(app, "192.0.2.1")
    sign_up(owner, EMAIL)
    owner.delete_cookie(app.config["SESSION_COOKIE_NAME"])
    attackers = [client_at(app, f"198.51.100.{number}") for number in range(2)]
    assert statuses(*(send(attacker, email=EMAIL) for attacker in attackers)) == [204, 429]
    assert statuses(*(send(owner, email=EMAIL) for _ in range(3))) == [204, 204, 429]


def test_exports_are_limited_for_each_user(make_route: MakeRoute) -> None:
    app = make_route("exports", limit_exports_per_user="1/hour")
    first, second = browser_of(app), browser_of(app)
    assert statuses(send(first), send(first), send(second)) == [204, 429, 204]


def test_checked_passwords_are_limited_for_each_user(make_route: MakeRoute) -> None:
    app = make_route("password-checks", limit_password_checks_per_user="2/hour")
    browser = browser_of(app)
    assert statuses(*(send(browser) for _ in range(3))) == [204, 204, 429]


def test_a_batch_uses_the_limit_for_each_of_its_thoughts_but_is_one_request(make_route: MakeRoute) -> None:
    limits = {"limit_thoughts_per_anonymous_user": "5/hour", "limit_requests_per_user": "3/hour"}
    browser = browser_of(make_route("thoughts", **limits))
    assert send(browser, thoughts=["one", "two", "three"]).status_code == 204
    refused = send(browser, thoughts=["four", "five", "six"])
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert "thoughts-per-anonymous-user" in refused.headers["RateLimit"]


def test_a_batch_that_is_larger_than_the_limit_is_told_to_be_smaller(make_route: MakeRoute) -> None:
    browser = browser_of(make_route("thoughts", limit_thoughts_per_anonymous_user="2/hour"))
    refused = send(browser, thoughts=["one", "two", "three"])
    assert refused.status_code == 429
    assert "Send at most 2 at once." in (refused.json or {})["detail"]


@pytest.mark.parametrize("body", [[], {"thoughts": "text"}, {"thoughts": []}, {}, "text"])
def test_a_body_without_a_list_counts_once(make_route: MakeRoute, body: object) -> None:
    browser = browser_of(make_route("thoughts", limit_thoughts_per_anonymous_user="2/hour"))
    answers = [browser.post("/counted", data=json.dumps(body), content_type="application/json") for _ in range(3)]
    assert statuses(*answers) == [204, 204, 429]
