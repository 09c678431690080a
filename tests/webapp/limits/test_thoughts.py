"""The limits of thoughts, searches, streams and requests: reached, told, and over again after their window."""

from uuid import uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from contracts.database import Database
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.access import actors
from tests.webapp.accounts.browsers import send
from tests.webapp.conftest import CountRows, MakeApp
from tests.webapp.limits.clients import client_at, post_thought, sign_up, statuses


def visitor(app: Flask, address: str) -> FlaskClient:
    """Return a browser with the cookie of an anonymous user."""
    client = client_at(app, address)
    client.get("/")
    return client


def test_an_anonymous_user_may_send_fewer_thoughts_than_an_account(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="1/hour", limit_thoughts_per_account="2/hour")
    browser = visitor(app, "192.0.2.1")
    assert statuses(*(post_thought(browser) for _ in range(2))) == [201, 429]
    sign_up(browser, "ada@example.org")
    assert statuses(*(post_thought(browser) for _ in range(3))) == [201, 201, 429]


def test_a_token_has_the_limit_of_its_account_also_beside_a_cookie_from_before_the_sign_up(
    make_app: MakeApp, database: Database
) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="1/hour", limit_thoughts_per_account="2/hour")
    user_id = uuid4()
    browser = actors.visitor(app, user_id)
    assert post_thought(browser).status_code == 201
    token = actors.new_token(database, actors.add_account(database, user_id))
    program = actors.with_token(browser, token)
    assert statuses(*(post_thought(program) for _ in range(3))) == [201, 201, 429]


def test_the_limit_is_over_after_its_window(make_app: MakeApp) -> None:
    browser = visitor(make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="1/3seconds"), "192.0.2.1")
    eventually(lambda: post_thought(browser).status_code == 429)
    eventually(lambda: post_thought(browser).status_code == 201)


def test_a_program_is_told_what_is_left_and_when_to_try_again(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="2/minute,9/day")
    browser = visitor(app, "192.0.2.1")
    first = post_thought(browser)
    policies = first.headers["RateLimit-Policy"].split(", ")
    assert policies[0] == '"thoughts-per-anonymous-user/60s";q=2;w=60'
    assert '"thoughts-per-anonymous-user/86400s";q=9;w=86400' in policies
    assert first.headers["RateLimit"].startswith('"thoughts-per-anonymous-user/60s";r=1;t=')
    post_thought(browser)
    refused = post_thought(browser)
    assert (refused.status_code, refused.mimetype) == (429, "application/problem+json")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["RateLimit"].startswith('"thoughts-per-anonymous-user/60s";r=0;t=')
    assert "Too many thoughts" in (refused.json or {})["detail"]


def test_a_person_gets_back_what_they_wrote(make_app: MakeApp, count_rows: CountRows) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_anonymous_user="1/hour")
    browser = visitor(app, "192.0.2.1")
    post_thought(browser)
    text = '\nA line that "begins" after\r\nan empty one & <ends>'
    response = browser.post("/thoughts", data={"text": text, "nonce": "n-1", "csrf_token": token_of(browser)})
    assert (response.status_code, response.mimetype) == (429, "text/html")
    assert "Try again in" in response.text
    assert "<textarea" in response.text
    assert "A line that &#34;begins&#34; after\r\nan empty one &amp; &lt;ends&gt;" in response.text
    assert 'name="nonce" value="n-1"' in response.text
    assert count_rows("thoughts") == 1


def token_of(client: FlaskClient) -> str:
    return client.get("/").text.partition('name="csrf_token" value="')[2].partition('"')[0]


def test_two_addresses_have_two_limits_and_the_limit_for_all_is_one(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_address="2/hour", limit_thoughts_for_all="3/hour")
    first = [visitor(app, "192.0.2.1") for _ in range(2)]
    second = visitor(app, "192.0.2.2")
    assert statuses(post_thought(first[0]), post_thought(first[1]), post_thought(first[0])) == [201, 201, 429]
    assert statuses(post_thought(second), post_thought(second)) == [201, 429], "the third and the fourth of all"


def test_addresses_of_one_ipv6_network_share_their_limit(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_thoughts_per_address="1/hour")
    clients = [visitor(app, address) for address in ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1")]
    assert statuses(*map(post_thought, clients)) == [201, 429, 201]


def test_searches_are_limited_but_the_page_of_the_search_is_not(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_searches_per_user="2/hour")
    browser = visitor(app, "192.0.2.1")
    answers = [browser.get("/search?q=rust"), browser.get("/thoughts?similar_to=rust"), browser.get("/search?q=rust")]
    assert statuses(*answers) == [200, 200, 429]
    assert "Try again in" in answers[-1].text
    assert browser.get("/search").status_code == 200
    assert browser.get("/thoughts").status_code == 200


def test_opened_streams_are_limited(make_app: MakeApp) -> None:
    browser = visitor(make_app(trust_user_id=False, limit_streams_per_address="1/hour"), "192.0.2.1")
    url = f"/thoughts/stream/{uuid4()}"
    assert statuses(browser.get(url), browser.get(url)) == [403, 429]


def test_all_requests_of_a_user_are_limited_but_not_those_of_a_load_balancer(make_app: MakeApp) -> None:
    app = make_app(trust_user_id=False, limit_requests_per_user="2/hour")
    browser, other = visitor(app, "192.0.2.1"), visitor(app, "192.0.2.1")
    assert statuses(*(browser.get("/usage") for _ in range(3))) == [200, 200, 429]
    assert other.get("/usage").status_code == 200
    for path in ("/health", "/metrics", "/static/live.js"):
        assert browser.get(path).status_code not in {429}
        assert "RateLimit-Policy" not in browser.get(path).headers


def test_with_trust_user_id_only_the_limits_against_guessing_apply(make_app: MakeApp) -> None:
    """Every request comes from this machine, and names its user itself: a load test meets no limit."""
    app = make_app(
        trust_user_id=True, limit_requests_per_address="1/hour", limit_thoughts_for_all="1/hour",
        limit_sign_ups_per_address="1/hour",
    )  # fmt: skip
    client = client_at(app, "127.0.0.1")
    assert statuses(*(post_thought(client, user_id=str(uuid4())) for _ in range(3))) == [201] * 3
    fields = {"email": "ada@example.org", "password": "short"}
    assert statuses(*(send(client, "/account/sign-up", **fields) for _ in range(2))) == [422, 429]


@pytest.mark.parametrize("is_account", [True, False])
def test_all_keys_have_the_prefix_of_the_installation_and_none_holds_an_email(
    make_app: MakeApp, redis_client: redis.Redis, settings: Settings, is_account: bool
) -> None:
    browser = visitor(make_app(trust_user_id=False), "192.0.2.1")
    if is_account:
        sign_up(browser, "ada@example.org")
    post_thought(browser)
    send(browser, "/account/sign-in", email="ada@example.org", password="wrong")
    keys = [key.decode() for key in redis_client.scan_iter()]
    counters = [key for key in keys if "LIMITER" in key]
    assert any("sign-ins-per-" in key for key in counters)
    assert all(key.startswith(f"{settings.redis_prefix}:limits:") for key in counters)
    assert not any("ada@" in key or "example.org" in key for key in keys)
    assert all(int(redis_client.ttl(key)) > 0 for key in counters)
