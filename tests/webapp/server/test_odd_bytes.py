"""Bytes that no browser sends reach the application through a real server, which answers and logs no trace."""

import pytest

from tests.webapp.conftest import StartWeb
from tests.webapp.server.raw_client import HOST, answer, connect

END = b"Connection: close\r\n\r\n"
NESTED = b"[" * 5000


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: a=\xff\r\n" + END, {200}),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: remember_token=x|\xff\r\n" + END, {200}),
        (b"GET /nowhere HTTP/1.1\r\n" + HOST + b"Accept: text/html\r\nCookie: \xff=\xff\r\n" + END, {404}),
        (b"GET /thoughts?cursor=\xff HTTP/1.1\r\n" + HOST + END, {400}),
        (
            b"POST /thoughts:batch HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
            b"Content-Length: 5000\r\n" + END + NESTED,
            {400},
        ),
    ],
    ids=["cookie", "remember_token", "error page", "query", "nested JSON"],
)
def test_odd_bytes_are_answered_without_a_trace(start_web: StartWeb, request_bytes: bytes, statuses: set[int]) -> None:
    web = start_web(TRUST_USER_ID="false")
    status, headers, _ = answer(connect(web, request_bytes))
    assert status in statuses
    assert "Content-Security-Policy" in headers
    log = web.log.read_text()
    assert "Traceback" not in log
    assert "falling back" not in log
