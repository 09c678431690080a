"""Tickets of streams: each opens one stream of one user, once, and ends with the token or sign-in that got it."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from tests.webapp.access import actors
from tests.webapp.access.actors import Owned
from tests.webapp.conftest import MakeApp
from webapp.accounts.scopes import Scope
from webapp.accounts.secrets import hash_token
from webapp.stream.tickets import TICKET_SECONDS


@pytest.fixture
def overrides(overrides: dict[str, Any]) -> dict[str, Any]:
    return overrides | {"trust_user_id": False}


@pytest.fixture
def owner(app: Flask, database: Database) -> Owned:
    return actors.account_with_things(app, database)


@pytest.fixture
def header(database: Database, owner: Owned) -> dict[str, str]:
    """The header with a token that may do nothing but stream."""
    return actors.bearer(actors.new_token(database, owner.user_id, {Scope.STREAM}))


def get_ticket(client: FlaskClient, headers: dict[str, str] | None = None) -> str:
    answer = client.post("/thoughts/stream/ticket", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "private, no-store"
    return str((answer.json or {})["ticket"])


def open_stream(app: Flask, user: UUID, ticket: str) -> int:
    """Open a user's stream as EventSource does, with no header and no cookie; return the status, and end it."""
    with app.test_client().get(f"/thoughts/stream/{user}?ticket={ticket}", buffered=False) as response:
        return response.status_code


def test_a_ticket_opens_the_stream_of_its_user_once(app: Flask, owner: Owned, header: dict[str, str]) -> None:
    ticket = get_ticket(app.test_client(), header)
    assert open_stream(app, owner.user_id, ticket) == 200
    answer = app.test_client().get(f"/thoughts/stream/{owner.user_id}?ticket={ticket}")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert "POST /thoughts/stream/ticket" in (answer.json or {})["detail"]
    assert "WWW-Authenticate" in answer.headers


def test_the_answer_has_the_address_that_the_ticket_opens(app: Flask, header: dict[str, str]) -> None:
    body = app.test_client().post("/thoughts/stream/ticket", headers=header).json or {}
    assert body["expires_in_seconds"] == TICKET_SECONDS == 30
    with app.test_client().get(body["links"]["stream"], buffered=False) as response:
        assert (response.status_code, response.mimetype) == (200, "text/event-stream")


def test_a_new_stream_continues_after_the_event_that_its_address_names(
    app: Flask, owner: Owned, header: dict[str, str]
) -> None:
    address = f"/thoughts/stream/{owner.user_id}?ticket="
    for query, is_reset in (("", False), ("&last_event_id=1-1", True)):
        ticket = get_ticket(app.test_client(), header)
        with app.test_client().get(address + ticket + query, buffered=False) as response:
            _, first_event = islice(response.response, 2)
        assert (b"event: reset" in first_event) is is_reset, "the history does not reach back to this event"


def test_a_ticket_of_another_user_opens_no_stream(app: Flask, database: Database, owner: Owned) -> None:
    thief = actors.signed_in(app, database, actors.add_account(database))
    assert open_stream(app, owner.user_id, get_ticket(thief)) == 403
    assert thief.post(f"/thoughts/stream/ticket?user_id={owner.user_id}").json
    assert open_stream(app, owner.user_id, get_ticket(thief)) == 403


@pytest.mark.parametrize("ticket", ["", "x", "%00", "%ff", "%F0%9F%98%80", "x" * 3000, "../*", "%0d%0a"])
def test_a_ticket_that_nobody_issued_is_refused_even_beside_a_sign_in(
    app: Flask, database: Database, owner: Owned, ticket: str
) -> None:
    browser = actors.signed_in(app, database, owner.user_id)
    assert browser.get(f"/thoughts/stream/{owner.user_id}?ticket={ticket}").status_code == 401


def test_a_ticket_ends_after_its_seconds_and_redis_has_only_its_hash(
    app: Flask, settings: Settings, redis_client: redis.Redis, owner: Owned, header: dict[str, str]
) -> None:
    ticket = get_ticket(app.test_client(), header)
    key = f"{settings.redis_prefix}:ticket:{hash_token(ticket).hex()}"
    assert 0 < int(redis_client.pttl(key)) <= TICKET_SECONDS * 1000
    everything = [*redis_client.scan_iter(), redis_client.get(key)]
    assert not any(ticket.encode() in item for item in everything if isinstance(item, bytes))
    redis_client.pexpire(key, 0)
    assert open_stream(app, owner.user_id, ticket) == 401


def test_one_of_many_requests_with_one_ticket_at_the_same_time_opens_a_stream(
    app: Flask, owner: Owned, header: dict[str, str]
) -> None:
    for _ in range(5):
        ticket = get_ticket(app.test_client(), header)
        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(lambda _, sent=ticket: open_stream(app, owner.user_id, sent), range(8)))
        assert sorted(statuses) == [200] + 7 * [401]


@pytest.mark.parametrize("statement", [actors.DISABLE_USER, actors.DELETE_USER, text("DELETE FROM api_tokens")])
def test_a_ticket_is_worth_nothing_once_its_token_is(
    app: Flask, database: Database, owner: Owned, header: dict[str, str], statement: Any
) -> None:
    ticket = get_ticket(app.test_client(), header)
    database.rows(statement, **({} if "tokens" in statement.text else {"id": owner.user_id}))
    assert open_stream(app, owner.user_id, ticket) == 401


def test_a_ticket_is_worth_nothing_after_the_sign_out(app: Flask, database: Database, owner: Owned) -> None:
    browser = actors.signed_in(app, database, owner.user_id)
    kept, ended = get_ticket(browser), get_ticket(browser)
    assert open_stream(app, owner.user_id, kept) == 200
    browser.post("/account/sign-out", data={"csrf_token": actors.csrf_field(app)})
    assert open_stream(app, owner.user_id, ended) == 401


def test_a_ticket_of_an_anonymous_visitor_is_worth_nothing_after_the_sign_up(app: Flask, database: Database) -> None:
    user = uuid4()
    browser = actors.visitor(app, user)
    assert open_stream(app, user, get_ticket(browser)) == 200, "also before the first thought"
    ticket = get_ticket(browser)
    actors.add_account(database, user)
    assert open_stream(app, user, ticket) == 401


def test_nobody_and_a_token_without_the_scope_get_no_ticket(app: Flask, database: Database, owner: Owned) -> None:
    assert app.test_client().post("/thoughts/stream/ticket").status_code == 401
    reader = actors.new_token(database, owner.user_id, {Scope.READ, Scope.WRITE, Scope.EXPORT})
    assert app.test_client().post("/thoughts/stream/ticket", headers=actors.bearer(reader)).status_code == 403


def test_another_site_gets_no_ticket_by_a_persons_cookie(app: Flask, database: Database, owner: Owned) -> None:
    browser = actors.signed_in(app, database, owner.user_id)
    from_elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/thoughts/stream/ticket", headers=from_elsewhere).status_code == 403


def test_a_ticket_opens_nothing_but_a_stream(app: Flask, owner: Owned, header: dict[str, str]) -> None:
    ticket = get_ticket(app.test_client(), header)
    assert app.test_client().get(f"/thoughts/{owner.thought_id}?ticket={ticket}").status_code == 404
    assert app.test_client().get("/tokens", headers={"Authorization": f"Bearer {ticket}"}).status_code == 401
    assert open_stream(app, owner.user_id, ticket) == 200


def test_without_redis_the_answer_says_when_to_try_again(make_app: MakeApp, database: Database) -> None:
    app = make_app(redis_url="redis://127.0.0.1:1/0")
    browser = actors.visitor(app)
    for answer in (
        browser.post("/thoughts/stream/ticket"),
        browser.get(f"/thoughts/stream/{uuid4()}?ticket=x"),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_only_one_of_two_web_processes_accepts_a_ticket(make_app: MakeApp, database: Database) -> None:
    first, second = make_app(), make_app()
    owner = actors.account_with_things(first, database)
    ticket = get_ticket(actors.signed_in(first, database, owner.user_id))
    assert open_stream(second, owner.user_id, ticket) == 200
    assert open_stream(first, owner.user_id, ticket) == 401
