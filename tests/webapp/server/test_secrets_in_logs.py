"""No log of a real web process names a token, a ticket, or what else the query of an address holds."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from contracts.database import Database
from tests.eventually import eventually
from tests.webapp.access import actors
from tests.webapp.conftest import StartWeb
from tests.webapp.server.raw_client import HOST, answer, connect
from tests.webapp.web_processes import WebProcess
from webapp.accounts.token_text import new_token_text
from webapp.server.worker import WebWorker


@pytest.fixture
def access_log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def logging_web(start_web: StartWeb, access_log: Path) -> WebProcess:
    """A web process that writes an access log, at gunicorn's most talkative level."""
    return start_web("--access-logfile", str(access_log), "--log-level", "debug", TRUST_USER_ID="false")


def send(web: WebProcess, line: str, *headers: str) -> tuple[int, str]:
    lines = [f"{line} HTTP/1.1", HOST.decode().strip(), "Connection: close", *headers, "", ""]
    status, _, body = answer(connect(web, "\r\n".join(lines).encode("latin-1")))
    return status, body


def test_a_ticket_and_a_token_appear_in_no_log(logging_web: WebProcess, database: Database, access_log: Path) -> None:
    user = actors.add_account(database)
    token = actors.new_token(database, user)
    header = f"Authorization: Bearer {token.text}"
    status, body = send(logging_web, "POST /thoughts/stream/ticket", header, "Content-Length: 0")
    ticket = json.loads(body)["ticket"]
    address = f"/thoughts/stream/{user}?ticket={ticket}"
    statuses = [
        status,
        send(logging_web, f"HEAD {address}")[0],
        send(logging_web, f"GET {address}", f"Referer: http://127.0.0.1{address}")[0],
        send(logging_web, f"GET /nowhere?ticket={ticket}", header)[0],
        send(logging_web, f"GET {address}", "a broken header")[0],
        send(logging_web, f"GET {address}", header, f"Authorization: Bearer {new_token_text()}")[0],
    ]
    assert statuses == [201, 200, 401, 404, 400, 401]
    eventually(lambda: '"GET /nowhere HTTP/1.1" 404' in access_log.read_text())
    log = access_log.read_text() + logging_web.log.read_text()
    assert f'"HEAD /thoughts/stream/{user} HTTP/1.1" 200' in log
    assert ticket not in log
    assert token.text not in log
    assert "tht_" not in log


def test_the_token_of_a_mailed_link_appears_in_no_log(logging_web: WebProcess, access_log: Path) -> None:
    for kind in ("reset", "sign-up", "email"):
        assert send(logging_web, f"GET /account/{kind}/the-secret-of-a-link")[0] in {200, 303, 404, 410}
    eventually(lambda: access_log.read_text().count("/... HTTP/1.1") == 3)
    assert "the-secret" not in access_log.read_text() + logging_web.log.read_text()


def test_two_authorization_headers_are_refused_whichever_is_right(logging_web: WebProcess, database: Database) -> None:
    user = actors.add_account(database)
    right, wrong = actors.new_token(database, user).text, new_token_text()
    assert send(logging_web, "GET /thoughts", f"Authorization: Bearer {right}")[0] == 200
    for first, second in ((right, wrong), (wrong, right), (right, right)):
        two = (f"Authorization: Bearer {first}", f"Authorization: Bearer {second}")
        assert send(logging_web, "GET /thoughts", *two)[0] == 401


def test_odd_bytes_in_the_header_are_refused_and_never_an_error_of_the_server(
    logging_web: WebProcess, database: Database
) -> None:
    token = actors.new_token(database, actors.add_account(database)).text
    for value in ("Bearer \x01{}", "Bearer {}\x00", "Bearer {}\xff", "Bearer\t{}", "Bearer \xc3\x28", "\x80" * 999):
        status, _ = send(logging_web, "GET /thoughts", f"Authorization: {value.replace('{}', token)}")
        assert status in {400, 401}, value


def test_an_unexpected_error_is_logged_without_the_query(caplog: pytest.LogCaptureFixture) -> None:
    worker: Any = object.__new__(WebWorker)
    worker.log, worker.cfg = logging.getLogger("gunicorn.test"), Config()
    worker._server = SimpleNamespace(answer_error=lambda *_: False)
    request: Any = SimpleNamespace(method="GET", uri="/thoughts/stream/x?ticket=secret", path="/thoughts/stream/x")
    with caplog.at_level(logging.DEBUG), pytest.raises(AttributeError):  # it has logged by then, and has no client
        worker.handle_error(request, None, ("127.0.0.1", 1), RuntimeError("a bug"))
    assert "Error handling request GET /thoughts/stream/x" in caplog.text
    assert "secret" not in caplog.text
