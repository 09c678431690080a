"""One request to a webhook: its connection is pinned to the checked address, and bounded in time and size."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from bridge.webhooks.request import MAX_ANSWER_BYTES, DeliveryError, post
from tests.bridge.webhooks.receiver import Receiver, running_receiver, status
from tests.bridge.webhooks.test_addresses import resolving_to
from tests.contracts.certificates import write_files
from tests.tls_server import tls_server_for

PACE = threading.Event()
"""Never set. The slow server waits on it between its bytes."""


def send(url: str, **more: Any) -> int:
    return post(url, b"{}", {"X-Test": "1"}, **({"allow_loopback": True} | more))


def test_a_request_arrives_with_its_headers_path_and_host() -> None:
    with running_receiver() as receiver:
        assert send(receiver.url) == 204
    (request,) = receiver.received
    assert (request.path, request.body, request.headers["x-test"]) == ("/hook?a=1", b"{}", "1")
    assert request.headers["host"] == receiver.url.split("/")[2]


def test_a_name_that_stands_for_this_machine_is_not_reached() -> None:
    with running_receiver() as receiver:
        port = receiver.url.split("/")[2].split(":")[1]
        with pytest.raises(DeliveryError, match="not public"):
            send(f"https://innocent.example:{port}/", allow_loopback=False, resolve=resolving_to("127.0.0.1"))
        with pytest.raises(DeliveryError, match="not public"):
            send(receiver.url, allow_loopback=False)
    assert receiver.received == []


def test_the_connection_is_made_to_the_address_that_was_checked() -> None:
    """A name server that answers differently the second time is not asked a second time."""
    with running_receiver() as receiver:
        port = receiver.url.split("/")[2].split(":")[1]
        resolve = resolving_to("127.0.0.1")
        assert send(f"http://rebinding.example:{port}/", resolve=resolve) == 204
    assert resolve.calls == 1
    assert receiver.received[0].headers["host"] == f"rebinding.example:{port}"


def test_a_redirect_is_not_followed() -> None:
    with running_receiver() as receiver:
        receiver.answers = [status(302, Location=receiver.url)]
        assert send(receiver.url) == 302
    assert len(receiver.received) == 1


def test_a_server_that_sends_one_byte_at_a_time_is_left_at_the_deadline() -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        while not handler.wfile.closed:
            try:
                handler.wfile.write(b"H")
            except OSError:
                return
            PACE.wait(0.05)

    with running_receiver() as receiver:
        receiver.answers = [drip]
        with pytest.raises(DeliveryError, match=r"did not answer within 0\.5 s"):
            send(receiver.url, seconds=0.5)


def test_no_more_than_64_kib_of_an_answer_are_read() -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(150):
            handler.wfile.write(b"X-%d: %s\r\n" % (number, b"x" * 2_000))
        handler.wfile.write(b"\r\n")

    with running_receiver() as receiver:
        receiver.answers = [flood]
        assert MAX_ANSWER_BYTES < 100 * 2_000
        assert send(receiver.url) == 200, "the head ends where the limit is, and its status is what counts"


def test_a_closed_port_is_a_failure_in_words() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError, match=r"the connection failed \(ConnectionRefusedError\)"):
            send(f"http://127.0.0.1:{unused.getsockname()[1]}/")


def test_the_certificate_is_verified_for_the_host_of_the_url(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    context = ssl.create_default_context(cafile=files.certificate)
    with running_receiver() as receiver, tls_server_for(receiver.url, Path(files.certificate), Path(files.key)) as port:
        resolve, own = resolving_to("127.0.0.1"), f"https://127.0.0.1:{port}/"
        assert send(own, resolve=resolve, context=context) == 204
        for url, other in ((f"https://other.example:{port}/", context), (own, None)):
            with pytest.raises(DeliveryError, match="the TLS connection failed"):
                send(url, resolve=resolve, context=other)
    assert len(receiver.received) == 1


def test_a_server_that_never_answers_the_handshake_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryError, match="did not answer"):
        send(f"https://localhost:{silent.getsockname()[1]}/", resolve=resolving_to("127.0.0.1"), seconds=0.5)


def test_the_receiver_of_the_tests_answers_in_turn() -> None:
    with running_receiver() as receiver:
        receiver.answers = [status(500), status(200)]
        assert [send(receiver.url) for _ in range(3)] == [500, 200, 200]
    assert isinstance(receiver, Receiver)
