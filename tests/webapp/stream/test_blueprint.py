"""The connections of the streams: each ends with its client or with the process."""

import http.client
import json
import socket
from uuid import uuid4

import redis

from contracts import events
from contracts.progress import channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import StartWeb
from tests.webapp.web_processes import WebProcess


def test_a_client_that_does_not_read_is_disconnected(
    fast_web: WebProcess, settings: Settings, redis_client: redis.Redis
) -> None:
    user = uuid4()
    connection = http.client.HTTPConnection("127.0.0.1", fast_web.port, timeout=30)
    connection.request("GET", f"/thoughts/stream/{user}")
    connection.sock.recv(1024)
    eventually(lambda: fast_web.metric("thoughts_streams_open") == 1)

    def is_disconnected_after_another_message() -> bool:
        large = events.thought_created(user, uuid4(), "x").to_dict() | {"text": "x" * 1_000_000}
        payload = json.dumps({"data": large, "type": "thought_created"})
        redis_client.publish(channel(settings.redis_prefix, user), payload)
        return fast_web.metric("thoughts_streams_open") == 0

    eventually(is_disconnected_after_another_message, timeout=30)
    connection.close()


def test_streams_end_completely_when_the_process_stops(start_web: StartWeb) -> None:
    web = start_web()
    connections = [socket.create_connection(("127.0.0.1", web.port), timeout=30) for _ in range(50)]
    for connection in connections:
        connection.sendall(f"GET /thoughts/stream/{uuid4()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    eventually(lambda: web.metric("thoughts_streams_open") == 50)
    web.stop()
    assert web.process.returncode == 0
    for connection in connections:
        with connection, connection.makefile("rb") as rest:
            assert rest.read().endswith(b"0\r\n\r\n"), "the response ends with its last chunk"
