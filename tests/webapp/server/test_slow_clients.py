"""Clients that send or read slowly: each of their waits ends, and nobody else notices them."""

import json
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from uuid import uuid4

import psutil
import pytest

from tests.eventually import eventually
from tests.webapp.conftest import StartWeb
from tests.webapp.server.raw_client import HOST, JSON_POST, UNFINISHED_POST, answer, connect, is_served, problem
from tests.webapp.web_processes import WebProcess
from webapp.server.capacity import RESERVED_DESCRIPTORS

ROOM = 90
"""Connections of `narrow_web`."""


@pytest.fixture
def narrow_web(start_web: StartWeb) -> WebProcess:
    """A web whose system allows it few open files; SIGHUP starts a new worker, which finds that out."""
    web = start_web()
    limit = ROOM + RESERVED_DESCRIPTORS
    resource.prlimit(web.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    os.kill(web.process.pid, signal.SIGHUP)
    eventually(lambda: f"allows {limit} open files" in web.log.read_text())
    eventually(web.is_up)
    return web


UNFINISHED_REQUESTS = {
    "a body that drips": UNFINISHED_POST,
    "a body that is chunked": JSON_POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "a body after 100-continue": JSON_POST + b"Expect: 100-continue\r\nContent-Length: 300\r\n\r\n",
    "a head": b"GET / HTTP/1.1\r\n" + HOST + b"X-Slow: ",
    "nothing": b"",
}


@pytest.mark.parametrize("request_start", UNFINISHED_REQUESTS.values(), ids=UNFINISHED_REQUESTS.keys())
def test_more_unfinished_requests_than_connections_keep_nobody_waiting(
    narrow_web: WebProcess, request_start: bytes
) -> None:
    slow = [connect(narrow_web, request_start) for _ in range(3 * ROOM)]
    assert is_served(narrow_web)
    assert narrow_web.open_stream(uuid4()).response.status == 200
    for client in slow:
        client.close()


def test_a_request_that_makes_room_for_others_is_asked_to_retry(narrow_web: WebProcess) -> None:
    first, *others = [connect(narrow_web, UNFINISHED_POST) for _ in range(2 * ROOM)]
    status, headers, body = answer(first)
    assert (status, json.loads(body)["status"], headers["Connection"]) == (503, 503, "close")
    assert int(headers["Retry-After"]) > 0
    for client in others:
        client.close()


def test_streams_above_what_the_system_allows_are_rejected_and_leave_room(narrow_web: WebProcess) -> None:
    streams = [narrow_web.open_stream(uuid4()).response for _ in range(ROOM)]
    assert {stream.status for stream in streams} == {200, 503}
    assert all(stream.headers["Retry-After"] for stream in streams if stream.status == 503)
    assert is_served(narrow_web)


def test_an_unfinished_request_is_answered_with_408(web: WebProcess) -> None:
    form = b"POST /thoughts HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
    starts = [
        UNFINISHED_POST,
        JSON_POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET /health HTTP/1.1\r\nHost: loc",
    ]
    clients = [connect(web, start) for start in starts]
    page = connect(web, form + b"Content-Length: 300\r\n\r\ntext=a")
    continued = connect(web, JSON_POST + b"Expect: 100-continue\r\nContent-Length: 300\r\n\r\n")
    assert [problem(client)["status"] for client in clients] == [408] * len(starts)
    status, headers, body = answer(page)
    assert (status, headers["Content-Type"]) == (408, "text/html; charset=utf-8")
    assert "did not arrive in time" in body
    assert answer(continued)[2].startswith("HTTP/1.1 408 ")


def test_a_half_closed_request_is_answered_and_an_unfinished_one_is_invalid(web: WebProcess) -> None:
    complete = connect(web, b"GET /models HTTP/1.1\r\n" + HOST + b"\r\n")
    unfinished = connect(web, UNFINISHED_POST)
    for client in (complete, unfinished):
        client.shutdown(socket.SHUT_WR)
    assert answer(complete)[0] == 200
    assert problem(unfinished)["status"] == 400


@pytest.mark.parametrize("header", [b"", b"Connection: close\r\n"], ids=["keep-alive", "close"])
def test_the_answer_to_a_body_that_is_far_too_large_arrives(web: WebProcess, header: bytes) -> None:
    size = 20 * 2**20
    head = JSON_POST + header + b"Content-Length: %d\r\n\r\n" % size
    assert problem(connect(web, head + b" " * size))["status"] == 413


def test_pipelined_requests_are_all_answered(web: WebProcess) -> None:
    request = b"GET /models HTTP/1.1\r\n" + HOST
    _, _, rest = answer(connect(web, (request + b"\r\n") * 4 + request + b"Connection: close\r\n\r\n"))
    assert rest.count("HTTP/1.1 200 OK") == 4, "the first answer's head is not part of its body"


def test_a_client_that_pipelines_requests_without_a_pause_keeps_nobody_waiting(web: WebProcess) -> None:
    client = connect(web, b"")
    has_ended = threading.Event()

    def send() -> None:
        while not has_ended.is_set():
            client.sendall(b"GET /static/icon.svg HTTP/1.1\r\n" + HOST + b"\r\n")

    def read() -> None:
        while not has_ended.is_set():
            client.recv(65536)

    def ignore_the_end(action: Callable[[], None]) -> None:
        with suppress(OSError):
            action()

    threads = [threading.Thread(target=ignore_the_end, args=[action]) for action in (send, read)]
    for thread in threads:
        thread.start()
    try:
        assert is_served(web)
    finally:
        has_ended.set()
        client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        client.close()


def test_an_unread_static_file_is_open_no_longer(web: WebProcess) -> None:
    [worker] = psutil.Process(web.process.pid).children()
    request = b"GET /static/vendor/pico-2.1.1/pico.indigo.min.css HTTP/1.1\r\n" + HOST + b"\r\n"
    with ExitStack() as clients:
        for _ in range(5):
            client = clients.enter_context(connect(web, request * 8, receive_buffer=4096))
            assert client.recv(1)
        eventually(lambda: not any(file.path.endswith(".css") for file in worker.open_files()))


def test_an_answer_that_nobody_reads_is_dropped_and_others_are_served(web: WebProcess) -> None:
    user = uuid4()
    for _ in range(30):
        web.post("\U0001f600" * 10_000, user)
    request = f"GET /thoughts?limit=100&user_id={user} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    clients = [
        connect(web, request, receive_buffer=4096) for _ in range(20)
    ]  # together less than what the web may hold
    assert is_served(web)

    def is_cut(client: socket.socket) -> bool:
        client.setblocking(False)
        try:
            client.send(b"x")
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    eventually(lambda: is_cut(clients[0]), timeout=90)
    assert is_served(web)
    for client in clients:
        client.close()
