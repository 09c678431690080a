"""The validation's own user, against a real HTTP server that answers as the web does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from validation.outcome import StepFailedError
from validation.visitor import Visitor
from validation.web_client import WebClient, is_near

COOKIE_USER = "0a3a0a5e-6f0b-4c39-9a3a-6d8b0a1c2d3e"


class Web:
    """What the server received, and how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any, str | None]] = []
        self.post_status = 201
        self.delete_status = 204
        self.url = ""


@contextmanager
def web_server() -> Iterator[Web]:
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._note(None)
            self._answer(200, {}, cookie=True)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._note(body)
            user = body.get("user_id", COOKIE_USER)
            accepted = {"id": f"thought-{len(web.requests)}", "user_id": user}
            refused = {"title": "Service Unavailable", "detail": "PostgreSQL is unavailable"}
            self._answer(web.post_status, accepted if web.post_status == 201 else refused)

        def do_DELETE(self) -> None:
            self._note(None)
            self.send_response(web.delete_status)
            self.end_headers()

        def _note(self, body: Any) -> None:
            web.requests.append((self.command, self.path, body, self.headers.get("Cookie")))

        def _answer(self, status: int, body: Any, *, cookie: bool = False) -> None:
            self.send_response(status)
            if cookie:
                self.send_header("Set-Cookie", "visitor=signed; HttpOnly; SameSite=Lax; Path=/")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        web.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever).start()
        yield web
        server.shutdown()


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


def test_where_the_web_trusts_the_user_id_each_run_has_a_new_user(web: Web) -> None:
    first, second = (Visitor(WebClient(web.url), names_itself=True) for _ in range(2))
    assert first.submit("a").id == "thought-1"
    second.submit("b")
    users = [body["user_id"] for _, _, body, _ in web.requests]
    assert users == [first.user_id, second.user_id]
    assert users[0] != users[1]


def test_elsewhere_the_cookie_of_the_page_names_the_user(web: Web) -> None:
    visitor = Visitor(WebClient(web.url), names_itself=False)
    visitor.submit("a")
    visitor.submit("b")
    assert [(method, path) for method, path, _, _ in web.requests] == [
        ("GET", "/"), ("POST", "/thoughts"), ("POST", "/thoughts")
    ]  # fmt: skip
    assert [cookie for _, _, _, cookie in web.requests[1:]] == ["visitor=signed"] * 2
    assert visitor.user_id == COOKIE_USER


def test_no_result_is_reused_because_then_no_agent_would_be_called(web: Web) -> None:
    Visitor(WebClient(web.url), names_itself=True).submit("a")
    assert web.requests[0][2]["reuse"] is False


def test_a_refused_thought_is_a_failure_with_the_webs_reason(web: Web) -> None:
    web.post_status = 503
    visitor = Visitor(WebClient(web.url), names_itself=True)
    with pytest.raises(StepFailedError, match="503 PostgreSQL is unavailable"):
        visitor.submit("a")
    assert visitor.delete_thoughts() == ([], [])


def test_every_submitted_thought_is_deleted_and_no_other(web: Web) -> None:
    visitor = Visitor(WebClient(web.url), names_itself=True)
    ids = [visitor.submit(text).id for text in "ab"]
    assert visitor.delete_thoughts() == (ids, [])
    assert [path for method, path, _, _ in web.requests if method == "DELETE"] == [f"/thoughts/{name}" for name in ids]


def test_thoughts_that_the_web_did_not_delete_are_reported(web: Web) -> None:
    visitor = Visitor(WebClient(web.url), names_itself=True)
    thought = visitor.submit("a").id
    web.delete_status = 503
    assert visitor.delete_thoughts() == ([], [thought])


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert WebClient(web.url).get("/").status == 200


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8000", True), ("http://localhost", True), ("http://[::1]:8000/", True),
        ("http://web:8000", True), ("https://thoughts.example.org", False), ("http://10.1.2.3:8000", False),
        ("http://[2001:db8::1]/", False),
    ],
)  # fmt: skip
def test_only_near_addresses_bypass_a_proxy(url: str, is_local: bool) -> None:
    assert is_near(url) is is_local
