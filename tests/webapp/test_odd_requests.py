"""What no browser and no honest program sends is answered with what is wrong with it, and nothing of it is logged."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from flask import Flask

from tests.webapp.accounts.browsers import EMAIL, PASSWORD
from tests.webapp.conftest import MakeApp
from webapp.limits import device_cookie

NESTED: Final = b"[" * 5000
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data; boundary=x"
FORM_PATHS: Final = (
    "/account/sign-in",
    "/account/sign-up",
    "/account/forgotten",
    "/account/reset/x",
    "/account/sign-up/x",
    "/account/password",
    "/account/email",
    "/account/email/x",
    "/account/delete",
    "/account/tokens",
)
"""Addresses whose views read a FlaskForm."""

JSON_FOR_FORMS: Final = (
    b"5",
    b"null",
    b'"text"',
    b"[]",
    b"{",
    b'{"password": 5}',
    b'{"email": {"a": 1}}',
    b'{"email": ["ada@example.org"], "password": null}',
    b'{"email": "ada@example.org", "password": "\\ud800 is half of a pair"}',
    NESTED,
)


@dataclass(frozen=True, slots=True)
class Odd:
    """A request, and the statuses that are right for it."""

    method: str
    path: str
    statuses: tuple[int, ...]
    body: bytes = b""
    content_type: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.content_type} {dict(self.environ)} {self.body[:40]!r}"


def part(headers: str, value: str = "value") -> bytes:
    return f"--x\r\n{headers}\r\n\r\n{value}\r\n--x--\r\n".encode("latin-1")


A_PART: Final = b'Content-Disposition: form-data; name="a"\r\n\r\n\r\n--x\r\n'


def file(name: str) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"; filename="f"')


CALLS: Final = (
    Odd("POST", "/thoughts:batch", (400,), NESTED, JSON),
    Odd("POST", "/thoughts:batch", (400,), b'{"thoughts": ' * 5000, JSON),
    Odd("POST", "/thoughts:batch", (400,), b"\xff", JSON),
    Odd("POST", "/thoughts:batch", (400,), '{"thoughts": []}'.encode("utf-16"), JSON),
    Odd("POST", "/thoughts:batch", (400, 422), b'{"thoughts": ' + b"9" * 100_000 + b"}", JSON),
    Odd("POST", "/thoughts:batch", (422,), b'{"thoughts": [' + b"0," * 100_000 + b"0]}", JSON),
    Odd("POST", "/thoughts:batch", (400, 422), b'{"thoughts": NaN}', JSON),
    Odd("POST", "/thoughts:batch", (415,), b"a=b", FORM),
    Odd("POST", "/thoughts:batch", (413,), b"0" * 300_000, JSON),
    Odd("POST", "/thoughts", (400,), NESTED, JSON),
    Odd("POST", "/thoughts", (400,), b'{"text": "\\ud800"}', JSON),
    Odd("POST", "/thoughts", (415,), b'{"text": "x"}', "\xff"),
    Odd("POST", "/thoughts", (403, 422), b"text=\xff", FORM),
    Odd("POST", "/thoughts", (403, 422), b"", "multipart/form-data"),
    Odd("PUT", "/profile", (400,), NESTED, JSON),
    Odd("PUT", "/profile", (400,), b'{"goals": ["\\ud800"]}', JSON),
    Odd("POST", "/webhooks", (401,), NESTED, JSON),
)

QUERIES: Final = (
    Odd("GET", "/", (200,), environ={"QUERY_STRING": "x=\xff&\xff"}),
    Odd("GET", "/thoughts", (400,), environ={"QUERY_STRING": "cursor=\xff"}),
    Odd("GET", "/thoughts", (400,), environ={"QUERY_STRING": "cursor=%FF"}),
    Odd("GET", "/thoughts", (422,), environ={"QUERY_STRING": "limit=\xff"}),
    Odd("GET", "/thoughts", (422,), environ={"QUERY_STRING": "similar_to=%00"}),
    Odd("GET", "/thoughts", (422,), environ={"QUERY_STRING": "user_id=%ED%A0%80"}),
    Odd("GET", "/account/security", (303,), environ={"QUERY_STRING": "cursor=\xff"}),
    Odd("GET", "/account/sign-in", (200,), environ={"QUERY_STRING": "next=\xff"}),
    Odd("GET", "/account/reset/%00%FF", (404,)),
    Odd("GET", "/account/sign-up/%ED%A0%80", (404,)),
    Odd("GET", "/problems/%00", (404,)),
    Odd("GET", "/thoughts/%FF", (404,)),
)

HEADERS: Final = (
    Odd("GET", "/", (200,), environ={"HTTP_COOKIE": "a=\xff; =; ;;\xff"}),
    Odd("GET", "/", (200,), environ={"HTTP_COOKIE": 'a="\\377"; b="'}),
    Odd("GET", "/thoughts", (200,), environ={"HTTP_COOKIE": "remember_token=x|\xc3\xa9"}),
    Odd("GET", "/account/", (303,), environ={"HTTP_COOKIE": "remember_token=x|\xff"}),
    Odd("GET", "/thoughts", (401,), environ={"HTTP_AUTHORIZATION": "Bearer \xff"}),
    Odd("GET", "/thoughts", (401,), environ={"HTTP_AUTHORIZATION": "Basic \xff"}),
    Odd("GET", "/thoughts", (401,), environ={"HTTP_AUTHORIZATION": "\xff"}),
    Odd("GET", "/thoughts", (401,), environ={"HTTP_AUTHORIZATION": ""}),
    Odd("GET", "/thoughts", (400,), environ={"HTTP_API_VERSION": "\xff"}),
    Odd("GET", "/metrics", (200, 403), environ={"HTTP_AUTHORIZATION": "Basic \xff"}),
    Odd("GET", "/", (200, 400), environ={"HTTP_HOST": "["}),
    Odd("GET", "/", (200, 400), environ={"HTTP_HOST": "\xff:\xb2"}),
    Odd("GET", "/profile", (200,), environ={"HTTP_IF_NONE_MATCH": "\xb2", "HTTP_IF_MODIFIED_SINCE": "\xff"}),
    Odd("GET", "/static/live.js", (200, 206, 416), environ={"HTTP_RANGE": "bytes=\xb2-\xb2", "HTTP_IF_RANGE": "\xff"}),
    Odd("GET", "/thoughts", (200,), environ={"HTTP_ACCEPT": "text/html;q=\xb2, */*;q=\xff"}),
    Odd("POST", "/thoughts", (403,), b'{"text": "x"}', JSON, {"HTTP_PREFER": "wait=\xb2", "HTTP_X_REQUEST": "\xff"}),
    Odd("GET", "/thoughts", (200,), environ={"HTTP_IF_NONE_MATCH": "\xff"}),
    Odd("GET", "/nowhere", (404,), environ={"HTTP_ACCEPT": "text/html;q=\xff"}),
    Odd("PUT", "/profile", (403, 412), b"{}", JSON, {"HTTP_IF_MATCH": "\xff"}),
    Odd("POST", "/thoughts", (403,), b'{"text": "x"}', JSON, {"HTTP_IDEMPOTENCY_KEY": "\x85"}),
    Odd("POST", "/thoughts", (403,), b'{"text": "x"}', JSON, {"HTTP_ORIGIN": "http://["}),
    Odd("POST", "/account/sign-in", (403,), b"email=a", FORM, {"HTTP_SEC_FETCH_SITE": "\xff"}),
)

FORMS: Final = (
    *(Odd("POST", path, (415,), body, JSON) for path in FORM_PATHS[:3] for body in JSON_FOR_FORMS),
    *(Odd("POST", path, (303, 415), JSON_FOR_FORMS[5], JSON) for path in FORM_PATHS[3:]),
    *(Odd("POST", path, (303, 415), b"email=a", "text/plain") for path in FORM_PATHS),
    *(Odd("POST", path, (303, 415), b"email=a") for path in FORM_PATHS),
    *(Odd("POST", path, (303, 404, 403), b"\xff=\xff", FORM) for path in FORM_PATHS),
    *(Odd("POST", path, (303, 404, 403), b"", "multipart/form-data") for path in FORM_PATHS),
    *(Odd("POST", path, (303, 404, 403), file("email"), MULTIPART) for path in FORM_PATHS),
    *(Odd("POST", path, (303, 404, 403), file("csrf_token"), MULTIPART) for path in FORM_PATHS),
    Odd("POST", "/account/sign-in", (403,), part("Content-Disposition: form-data"), MULTIPART),
    Odd("POST", "/account/sign-in", (403,), part('Content-Disposition: form-data; name="\xff"'), MULTIPART),
    Odd("POST", "/account/sign-in", (403,), part("Content-Type: text/plain"), MULTIPART),
    Odd("POST", "/account/sign-in", (413,), b"--x\r\n" + A_PART * 1001, MULTIPART),
    Odd("POST", "/account/sign-in", (413,), b"email=" + b"a" * 300_000, FORM),
)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An application with limits, which read a part of a request before its view does."""
    limits = ("requests_per_address", "sign_ins_per_address", "sign_ups_per_address", "resets_per_address")
    return make_app(trust_user_id=False, **{f"limit_{name}": "10000/minute" for name in limits})


@pytest.fixture
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Fail when something was logged about a request: the client is at fault, and would fill the log."""
    yield caplog
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize("kind", [CALLS, QUERIES, HEADERS, FORMS], ids=["calls", "queries", "headers", "forms"])
def test_an_odd_request_is_answered_and_not_logged(app: Flask, kind: tuple[Odd, ...]) -> None:
    wrong = {str(odd): status for odd in kind if (status := status_of(app, odd)) not in odd.statuses}
    assert wrong == {}


def status_of(app: Flask, odd: Odd) -> int:
    client = app.test_client(use_cookies=False)
    options: dict[str, Any] = {"environ_overrides": odd.environ, "content_type": odd.content_type}
    return client.open(odd.path, method=odd.method, data=odd.body, **options).status_code


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize(
    "fields",
    [
        {"email": "a\0@example.org", "password": PASSWORD},
        {"email": "\ufffd", "password": "\0" * 12},
        {"email": "a" * 100_000, "password": "b" * 100_000},
        {"email": " ", "password": " "},
        {"email": "\u202e" * 20, "password": PASSWORD},
    ],
)
def test_odd_fields_of_a_form_with_its_token_are_answered(app: Flask, fields: dict[str, str]) -> None:
    for path in ("/account/sign-in", "/account/sign-up", "/account/forgotten"):
        browser = app.test_client()
        browser.get(path)
        assert browser.post(path, data=fields).status_code == 422, path


@pytest.mark.usefixtures("quiet_log")
def test_a_file_is_no_field_of_a_form_with_its_token(app: Flask) -> None:
    browser = app.test_client()
    browser.get("/account/sign-in")
    body = part('Content-Disposition: form-data; name="email"; filename="ada"', EMAIL)
    token = f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{browser.token}\r\n'  # type: ignore[attr-defined]
    answer = browser.post("/account/sign-in", data=token.encode() + body, content_type=MULTIPART)
    assert (answer.status_code, "Enter your e-mail address." in answer.text) == (422, True)


@pytest.mark.usefixtures("quiet_log")
@pytest.mark.parametrize(
    "value", ["\xff", "\xff.\xff.\xff", ".\xff", "eyJ9.\xc3\xa9.\xff", '"\\377"', "a" * 4000, "..", ""]
)
def test_an_odd_cookie_of_this_site_counts_as_none(app: Flask, value: str) -> None:
    with app.test_request_context():
        names = (app.config["SESSION_COOKIE_NAME"], device_cookie.cookie_name())
    client = app.test_client(use_cookies=False)
    for name in names:
        cookie = {"HTTP_COOKIE": f"{name}={value}"}
        assert client.get("/", environ_overrides=cookie).status_code == 200
        assert client.get("/nowhere", environ_overrides=cookie, headers={"Accept": "text/html"}).status_code == 404
        sent = client.post("/account/sign-in", data={"email": EMAIL}, environ_overrides=cookie)
        assert sent.status_code == 403, "it has no token"
