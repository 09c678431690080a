"""Clients that send and read as no browser does, over plain sockets."""

import json
import socket
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.webapp.web_processes import WebProcess

HOST = b"Host: 127.0.0.1\r\n"
JSON_POST = b"POST /thoughts HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
UNFINISHED_POST = JSON_POST + b"Content-Length: 300\r\n\r\n{"


def connect(web: WebProcess, data: bytes, receive_buffer: int = 0) -> socket.socket:
    """Return a connection on which these bytes were sent."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(30)
    client.connect(("127.0.0.1", web.port))
    client.sendall(data)
    return client


def answer(client: socket.socket) -> tuple[int, dict[str, str], str]:
    """Read until the server closes. Return status, headers and body of the first answer."""
    received = b""
    with client, suppress(ConnectionResetError):
        while part := client.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body.decode()


def problem(client: socket.socket) -> dict[str, Any]:
    """Return the problem with which the server answers; it must have the application's form."""
    status, headers, body = answer(client)
    assert headers["Content-Type"] == "application/problem+json"
    assert "Content-Security-Policy" in headers
    fields: dict[str, Any] = json.loads(body)
    assert fields["status"] == status
    return fields


def is_served(web: WebProcess) -> bool:
    """Return whether another user is served: the page's health answers and a thought is accepted."""
    return web.is_up() and bool(web.post("from another user", uuid4()))
