"""Requests that are rejected before the application sees them, and the limits of their heads."""

import pytest

from tests.webapp.server.raw_client import HOST, JSON_POST, answer, connect, problem
from tests.webapp.web_processes import WebProcess

GET = b"GET /models HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"

REJECTED = {
    "no request line": (b"hello\r\n\r\n", 400),
    "an invalid method": (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a header without colon": (b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
    "a header's name": (b"GET / HTTP/1.1\r\n" + HOST + b"a b: c\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "a folded header": (b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n c\r\n\r\n", 400),
    "two lengths": (JSON_POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400),
    "an invalid chunk": (JSON_POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{", 400),
    "an address of 9,000 bytes": (b"GET /?q=" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "an expectation": (JSON_POST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 417),
    "a cookie of 40 kB": (GET + b"Cookie: a=" + b"x" * 40_000 + b"\r\n\r\n", 431),
    "three cookies of 30 kB": (GET + (b"Cookie: a=" + b"x" * 30_000 + b"\r\n") * 3 + b"\r\n", 431),
    "120 headers": (GET + b"".join(b"X-%d: 1\r\n" % number for number in range(120)) + b"\r\n", 431),
    "a transfer coding": (JSON_POST + b"Transfer-Encoding: sorcery\r\n\r\n", 501),
    "a version": (b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", 505),
}


@pytest.mark.parametrize(("request_bytes", "status"), REJECTED.values(), ids=REJECTED.keys())
def test_a_rejected_request_gets_a_problem_that_repeats_nothing_of_it(
    web: WebProcess, request_bytes: bytes, status: int
) -> None:
    fields = problem(connect(web, request_bytes))
    assert fields["status"] == status
    assert fields["detail"].endswith(".")
    assert "xxx" not in str(fields)


def test_a_browser_gets_the_page_of_errors(web: WebProcess) -> None:
    accept = b"Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    status, headers, body = answer(connect(web, GET + accept + b"Cookie: a=" + b"x" * 40_000 + b"\r\n\r\n"))
    assert (status, headers["Content-Type"]) == (431, "text/html; charset=utf-8")
    assert "delete the cookies" in body
    assert "error-page" in body
    assert "Set-Cookie" not in headers


def test_cookies_of_20_kilobytes_and_long_addresses_are_accepted(web: WebProcess) -> None:
    assert answer(connect(web, GET + b"Cookie: a=" + b"x" * 20_000 + b"\r\n\r\n"))[0] == 200
    long = b"GET /models?q=" + b"x" * 5000 + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    assert answer(connect(web, long))[0] == 200


def test_a_header_that_names_a_variable_of_wsgi_is_ignored(web: WebProcess) -> None:
    for header in (b"SCRIPT_NAME: /x\r\n", b"PATH_INFO: /nowhere\r\n", b"Script-Name: /x\r\n"):
        assert answer(connect(web, GET + header + b"\r\n"))[0] == 200


def test_rejected_requests_are_counted(web: WebProcess) -> None:
    name = 'thoughts_http_requests_total{method="GET",route="unknown",status="505"}'
    answer(connect(web, b"GET / HTTP/3.7\r\n" + HOST + b"\r\n"))
    assert web.metric(name) >= 1
