"""What clients of a stream read and hold: only real events, and not more than a bounded part of a long line."""

import http.client
import json
from typing import Any
from urllib.request import urlopen
from uuid import UUID, uuid4

import psutil
from flask.testing import FlaskClient

from contracts.database import Database
from contracts.progress import ProgressPublisher
from tests.webapp.fake_worker import FakeWorker
from tests.webapp.http_client import submit
from tests.webapp.server.raw_client import connect, is_served
from tests.webapp.web_processes import WebProcess
from webapp.hub.sse import StreamMessage
from webapp.hub.subscription import QUEUE_BYTES, ControlMessage, Subscription
from webapp.queries import PAGE_BYTES, RESET_BYTES, number_that_fits
from webapp.stream.snapshot import reset_data

EMOJI = "\U0001f600" * 10_000


def read_blocks(web: WebProcess, user: UUID, last_block: str) -> list[list[str]]:
    """Read a stream as the simplest clients do: a block is what an empty line ends. Return the lines of each block."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    connection.request("GET", f"/thoughts/stream/{user}")
    blocks: list[list[str]] = [[]]
    for raw in connection.getresponse():
        line = raw.decode().rstrip("\n")
        if line:
            blocks[-1].append(line)
        elif f"event: {last_block}" in blocks[-1]:
            break
        else:
            blocks.append([])
    connection.close()
    return blocks


def test_every_block_of_a_stream_is_an_event_also_for_a_client_that_takes_each_for_one(
    fast_web: WebProcess, worker: FakeWorker, publisher: ProgressPublisher
) -> None:
    user = uuid4()
    thought = fast_web.post("a thought", user)
    publisher.publish(worker.dispatch(thought))
    for step in range(1, 6):
        worker.run_step(thought, step)
    blocks = read_blocks(fast_web, user, "thought_completed")
    assert "retry: 3000" in blocks[0]
    for block in blocks:
        [data] = [line.removeprefix("data: ") for line in block if line.startswith("data: ")]
        assert json.loads(data)["event_id"]


def test_a_reset_is_cut_and_says_where_the_rest_is(web: WebProcess) -> None:
    user = uuid4()
    ids = [str(web.post(EMOJI, user)) for _ in range(40)]
    [reset] = [event for event in web.open_stream(user, "x").wait_for("reset") if event.kind == "reset"]
    assert len(json.dumps(reset.data, ensure_ascii=False).encode()) < 1.5 * RESET_BYTES
    sent = [thought["id"] for thought in reset.data["thoughts"]]
    assert sent == ids[-len(sent) :], "the ones written last"
    rest: list[str] = []
    path = reset.data["more"]
    while path:
        with urlopen(web.url + path, timeout=30) as response:
            page: dict[str, Any] = json.load(response)
        rest += [thought["id"] for thought in page["items"]]
        path = page["next"] and f"/thoughts?user_id={user}&cursor={page['next']}"
    assert rest == ids[: -len(sent)][::-1], "each of the others once"


def test_a_small_reset_has_no_rest(client: FlaskClient, database: Database) -> None:
    user = uuid4()
    submit(client, user=user)
    assert "more" not in reset_data(database, user)


def test_a_page_of_long_texts_is_shorter_than_its_limit_and_the_next_ones_have_the_rest(web: WebProcess) -> None:
    user = uuid4()
    ids = [str(web.post(EMOJI, user)) for _ in range(60)]
    found: list[str] = []
    path: str | None = f"/thoughts?user_id={user}&limit=100"
    while path:
        with urlopen(web.url + path, timeout=30) as response:
            content = response.read()
        assert len(content) < 1.2 * PAGE_BYTES
        page = json.loads(content)
        found += [thought["id"] for thought in page["items"]]
        path = page["next"] and f"/thoughts?user_id={user}&limit=100&cursor={page['next']}"
    assert found == ids[::-1]


def test_streams_that_never_read_hold_little_memory(web: WebProcess) -> None:
    user = uuid4()
    for _ in range(150):
        web.post(EMOJI, user)
    [worker] = psutil.Process(web.process.pid).children()
    before = worker.memory_info().rss
    request = f"GET /thoughts/stream/{user} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: x\r\n\r\n".encode()
    clients = [connect(web, request, receive_buffer=4096) for _ in range(20)]
    assert all(client.recv(15) == b"HTTP/1.1 200 OK" for client in clients)
    assert is_served(web)
    assert worker.memory_info().rss - before < 150 * 2**20
    for client in clients:
        client.close()


def test_a_queue_is_bounded_by_bytes_and_a_single_large_message_fits() -> None:
    def message(size: int) -> StreamMessage:
        made = StreamMessage("x")
        made.size = size
        return made

    subscription, large = Subscription("c"), message(2 * QUEUE_BYTES)
    subscription.offer(large)
    assert subscription.next_message(0) is large
    for _ in range(4):
        subscription.offer(message(QUEUE_BYTES // 4))
    assert isinstance(subscription.next_message(0), StreamMessage)
    subscription.offer(message(QUEUE_BYTES // 4))
    subscription.offer(message(1))
    assert subscription.next_message(0) is ControlMessage.END


def test_at_least_one_thought_fits() -> None:
    assert [number_that_fits(sizes, 10) for sizes in ([], [50], [4, 6, 1], [11, 1])] == [1, 1, 2, 1]
