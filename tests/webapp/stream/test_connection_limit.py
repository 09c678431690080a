"""Who may have a stream, how many there may be, and that each place becomes free again."""

import http.client
import json
import socket
from typing import Any
from uuid import uuid4

import redis

from contracts import events
from contracts.progress import channel
from contracts.settings import Settings
from tests.eventually import eventually
from tests.webapp.conftest import LIMIT, Serve
from tests.webapp.web_processes import Served


def test_who_is_gone_is_forgotten(lively_web: Served, redis_client: redis.Redis, settings: Settings) -> None:
    web = lively_web
    users = [uuid4() for _ in range(12)]
    readers = [web.read(user) for user in users for _ in range(2)]
    channels = [channel(settings.redis_sse_prefix, user) for user in users]

    def subscribed() -> int:
        counts: Any = redis_client.pubsub_numsub(*channels)
        return sum(count for _, count in counts)

    eventually(lambda: web.metric("thoughts_streams_open") == 24)
    eventually(lambda: subscribed() == 12)
    for reader in readers:
        reader.close()
    eventually(lambda: web.metric("thoughts_streams_open") == 0)
    eventually(lambda: subscribed() == 0)
    again = web.read(users[0])
    web.post("a thought", users[0])
    again.until("thought_created")


def test_more_streams_than_the_limit_are_asked_to_come_later(lively_web: Served) -> None:
    web = lively_web
    first, *others = [web.read(uuid4()) for _ in range(LIMIT)]
    assert {reader.answer.status for reader in (first, *others)} == {200}
    refused = web.read(uuid4())
    assert (refused.answer.status, refused.answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.answer.headers["Retry-After"]) > 0
    assert web.post("still accepted", uuid4())
    first.close()
    eventually(lambda: web.read(uuid4()).answer.status == 200)


def test_one_user_cannot_take_all_streams(web: Served) -> None:
    greedy = uuid4()
    assert [web.read(greedy).answer.status for _ in range(21)] == [200] * 20 + [503]
    assert web.read(uuid4()).answer.status == 200


def test_a_reader_that_takes_nothing_loses_its_place(
    lively_web: Served, settings: Settings, redis_client: redis.Redis
) -> None:
    web, user = lively_web, uuid4()
    sleeper = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    sleeper.request("GET", f"/thoughts/stream/{user}")
    sleeper.sock.recv(1024)
    eventually(lambda: web.metric("thoughts_streams_open") == 1)

    def pushed_out() -> bool:
        large = events.thought_created(user, uuid4(), "x").to_dict() | {"text": "x" * 1_000_000}
        payload = json.dumps({"data": large, "type": "thought_created"})
        redis_client.publish(channel(settings.redis_sse_prefix, user), payload)
        return web.metric("thoughts_streams_open") == 0

    eventually(pushed_out, timeout=30)
    sleeper.close()


def test_streams_end_with_the_process_and_are_not_cut_off(serve: Serve) -> None:
    web = serve()
    readers = [socket.create_connection(("127.0.0.1", web.port), timeout=30) for _ in range(50)]
    for reader in readers:
        reader.sendall(f"GET /thoughts/stream/{uuid4()} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    eventually(lambda: web.metric("thoughts_streams_open") == 50)
    web.stop()
    assert web.process.returncode == 0
    for reader in readers:
        with reader, reader.makefile("rb") as rest:
            assert rest.read().endswith(b"0\r\n\r\n"), "the last chunk of a whole answer"
