"""The limits of resets, exports, checked passwords, tests of webhooks, and batches."""

import json
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contracts.database import Database
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import send
from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.limits.clients import client_at, post_thought, sign_up, statuses

EMAIL = "ada@example.org"


def send_batch(client: FlaskClient, *texts: str) -> TestResponse:
    return client.post("/thoughts:batch", json={"thoughts": [{"text": text} for text in texts]})


def browser_of(app: Flask, address: str = "192.0.2.1") -> FlaskClient:
    client = client_at(app, address)
    client.get("/")
    return client


def account_of(app: Flask, email: str) -> FlaskClient:
    client = client_at(app, "192.0.2.1")
    sign_up(client, email)
    return client


def test_resets_are_limited_for_each_email_address_but_not_for_the_browser_of_its_owner(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_resets_per_email="1/hour", limit_resets_per_device="2/hour")
    owner = account_of(app, EMAIL)
    owner.delete_cookie(app.config["SESSION_COOKIE_NAME"])
    attackers = [client_at(app, f"198.51.100.{number}") for number in range(2)]

    def ask(client: FlaskClient) -> TestResponse:
        return send(client, "/account/forgotten", email=EMAIL)

    assert statuses(*map(ask, attackers)) == [200, 429]
    assert statuses(*(ask(owner) for _ in range(3))) == [200, 200, 429]


def test_exports_of_the_page_and_of_programs_are_limited_for_each_user(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_exports_per_user="2/hour")
    first, second = account_of(app, EMAIL), account_of(app, "eve@example.org")
    assert first.get("/account/export").status_code == 200, "the page alone is no export"
    assert send(first, "/account/export", format="json").status_code == 200
    assert statuses(*(client.get("/export") for client in (first, first, second))) == [200, 429, 200]


@pytest.mark.parametrize("path", ["/account/delete", "/account/password", "/account/email"])
def test_checked_passwords_are_limited_for_each_user(make_app: MakeApp, path: str) -> None:
    browser = account_of(make_app(trust_user_id=False, limit_password_checks_per_user="2/hour"), EMAIL)
    assert statuses(*(send(browser, path, present="wrong") for _ in range(3))) == [422, 422, 429]


def test_tests_of_webhooks_are_limited_for_each_user_whichever_webhook_it_is(
    make_app: MakeApp, database: Database
) -> None:
    app = make_app(trust_user_id=False, limit_webhook_tests_per_user="1/hour")
    owners = [actors.account_with_things(app, database) for _ in range(2)]
    first, second = (actors.signed_in(app, database, owner.user_id) for owner in owners)
    answers = [
        first.post(f"/webhooks/{owners[0].webhook_id}/test"),
        first.post(f"/webhooks/{uuid4()}/test"),
        second.post(f"/webhooks/{owners[1].webhook_id}/test"),
    ]
    assert statuses(*answers) == [202, 429, 202]


def test_a_retry_counts_as_a_thought(make_app: MakeApp) -> None:
    browser = browser_of(make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="2/hour"))
    thought = (post_thought(browser).json or {})["id"]
    assert browser.post(f"/thoughts/{thought}/cancel").status_code == 200
    assert statuses(*(browser.post(f"/thoughts/{thought}/retry") for _ in range(2))) == [200, 429]


def test_a_batch_uses_the_limit_for_each_of_its_thoughts_but_is_one_request(
    make_app: MakeApp, count_rows: CountRows
) -> None:
    limits = {"limit_thoughts_per_anonymous_user": "5/hour", "limit_requests_per_user": "3/hour"}
    browser = browser_of(make_app(trust_user_id=False, **limits))
    assert send_batch(browser, "one", "two", "three").status_code == 200
    refused = send_batch(browser, "four", "five", "six")
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert "thoughts-per-anonymous-user" in refused.headers["RateLimit"]
    assert count_rows("thoughts") == 3


def test_a_batch_that_is_larger_than_the_limit_is_told_to_be_smaller(make_app: MakeApp) -> None:
    browser = browser_of(make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="2/hour"))
    refused = send_batch(browser, "one", "two", "three")
    assert refused.status_code == 429
    assert "Send at most 2 at once." in (refused.json or {})["detail"]


def test_a_batch_of_more_than_a_hundred_uses_no_more_of_the_limit_than_one_of_a_hundred(make_app: MakeApp) -> None:
    browser = browser_of(make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="101/hour"))
    body = json.dumps({"thoughts": [0] * 80_000})
    answers = [
        browser.post("/thoughts:batch", data=body, content_type="application/json"),
        post_thought(browser),
        post_thought(browser),
    ]
    assert statuses(*answers) == [422, 201, 429]


@pytest.mark.parametrize("body", [[], {"thoughts": "text"}, {"thoughts": []}, {}, "text"])
def test_a_body_without_a_list_counts_once(make_app: MakeApp, body: object) -> None:
    browser = browser_of(make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="2/hour"))
    answers = [
        browser.post("/thoughts:batch", data=json.dumps(body), content_type="application/json") for _ in range(3)
    ]
    assert statuses(*answers) == [422, 422, 429]
