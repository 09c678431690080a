"""Neither the work of an answer nor its time shows which addresses have an account."""

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from contracts.database import Database
from tests.eventually import eventually
from tests.transactions import transaction
from tests.webapp.accounts.browsers import EMAIL, PASSWORD, sign_in, sign_up
from tests.webapp.accounts.security_log import kinds
from tests.webapp.conftest import StartWeb
from tests.webapp.http_client import TOKEN
from tests.webapp.server.raw_client import HOST, answer, connect
from tests.webapp.web_processes import WebProcess
from webapp.accounts import passwords
from webapp.accounts.security_events import INSERT_EVENT
from webapp.accounts.store import FIND_BY_EMAIL

UNKNOWN, DISABLED = "nobody@example.org", "grace@example.org"
LOST = "the security log lacks a failed sign-in"
WAITING_INSERTS = text("SELECT FROM pg_locks WHERE relation = 'security_events'::regclass AND NOT granted")


class Work:
    """Counts what requests of this thread make PostgreSQL and argon2 do, and what other threads ask PostgreSQL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self.later: list[str] = []
        self.verified: list[str] = []
        rows, verify, thread = Database.rows, passwords._verify, threading.current_thread()

        def noting_rows(database: Database, statement: Any, **parameters: Any) -> Any:
            (self.statements if threading.current_thread() is thread else self.later).append(str(statement))
            return rows(database, statement, **parameters)

        def noting_verify(stored_hash: str, password: str) -> bool:
            self.verified.append(stored_hash)
            return verify(stored_hash, password)

        monkeypatch.setattr(Database, "rows", noting_rows)
        monkeypatch.setattr(passwords, "_verify", noting_verify)

    def of(self, request: Callable[[], TestResponse], status: int) -> tuple[list[str], int]:
        """Make a request; return its statements, and how many passwords it verified."""
        self.statements.clear()
        self.verified.clear()
        with request() as response:
            assert response.status_code == status
        return list(self.statements), len(self.verified)


@pytest.fixture
def work(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Work:
    sign_up(app)
    return Work(monkeypatch)


def form_of(app: Flask, path: str, **fields: str) -> Callable[[], TestResponse]:
    """Return a request that sends the form of a new browser, which has opened its page."""
    browser = app.test_client()
    browser.get(path)
    return lambda: browser.post(path, data=fields)


def test_a_wrong_sign_in_does_the_same_work_for_every_address(app: Flask, database: Database, work: Work) -> None:
    """One verification takes tens of milliseconds, so one that is left out could be measured."""
    sign_up(app, DISABLED)
    database.rows(text("UPDATE users SET disabled_at = now() WHERE email = :email"), email=DISABLED)
    for email in (EMAIL, UNKNOWN, DISABLED):
        work.later.clear()
        request = form_of(app, "/account/sign-in", email=email, password="not the password")
        assert work.of(request, 422) == ([str(FIND_BY_EMAIL)], 1), email
        eventually(lambda: work.later)
        assert work.later == [str(INSERT_EVENT)], f"also after the answer: {email}"
    assert kinds(database).count("sign-in-failed") == 1


def test_a_mailed_sign_up_asks_postgresql_nothing(mailing_app: Flask, work: Work) -> None:
    for email in (EMAIL, UNKNOWN):
        assert work.of(form_of(mailing_app, "/account/sign-up", email=email), 200) == ([], 0), email


def test_a_mailed_change_of_the_address_does_the_same_work_for_a_taken_and_a_free_one(
    app: Flask, mailing_app: Flask, work: Work
) -> None:
    sign_up(app, "eve@example.org")
    browser = sign_in(mailing_app, "eve@example.org")
    browser.get("/account/email")

    def change_to(email: str) -> tuple[list[str], int]:
        return work.of(lambda: browser.post("/account/email", data={"email": email, "present": PASSWORD}), 200)

    taken, free = change_to(EMAIL), change_to(UNKNOWN)
    assert taken == free
    assert (str(FIND_BY_EMAIL) in taken[0], taken[1]) == (False, 1)


def failed_sign_in_and_another_request(web: WebProcess) -> bytes:
    """Return two requests that a client sends at once: a wrong sign-in of the account, and a page."""
    connection = HTTPConnection("127.0.0.1", web.port, timeout=30)
    connection.request("GET", "/account/sign-in")
    page = connection.getresponse()
    cookie, token = str(page.headers["Set-Cookie"]).partition(";")[0], TOKEN.search(page.read().decode())
    connection.close()
    assert token is not None
    body = urlencode({"email": EMAIL, "password": "not the password", "csrf_token": token[1]}).encode()
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(body)
    post = b"POST /account/sign-in HTTP/1.1\r\n" + HOST + form + f"Cookie: {cookie}\r\n\r\n".encode() + body
    return post + b"GET /models HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def is_second_answered_first(web: WebProcess, database: Database, requests: bytes) -> bool:
    """Return whether the second request is answered while the event of the first still waits for a lock.

    It waits until PostgreSQL ends its statement, which is then in the log.
    """
    lost = web.log.read_text().count(LOST)
    with transaction(database) as connection:
        connection.execute(text("LOCK TABLE security_events IN SHARE MODE"))
        status, _, rest = answer(connect(web, requests))
        assert (status, rest.count("HTTP/1.1 200 OK")) == (422, 1)
        eventually(lambda: database.rows(WAITING_INSERTS) or web.log.read_text().count(LOST) > lost)
        return web.log.read_text().count(LOST) == lost


def test_the_next_answer_of_the_connection_does_not_wait_for_the_security_log(
    app: Flask, start_web: StartWeb, database: Database
) -> None:
    """The event of a known address is written after the answer; its time must not show in the answer after that."""
    sign_up(app)
    web = start_web()
    requests = failed_sign_in_and_another_request(web)
    assert any(is_second_answered_first(web, database, requests) for _ in range(3))
    answer(connect(web, requests))
    eventually(lambda: "sign-in-failed" in kinds(database))
