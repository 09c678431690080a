"""An HTTP server that stands in for a model service: it records the requests, and answers as the test says."""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request that the service received."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the service answers. `body` is sent piece by piece, as it is produced."""

    status: int = 200
    body: Iterable[bytes] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    length: int | None = None
    """The announced length, when it is not the length of `body`. A body that is no list ends with its connection."""


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, [json.dumps(value).encode()], headers or {})


Answer = Callable[[Request], Reply]


class FakeService:
    """One running service. `answer` may be replaced at any time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.disconnected = threading.Event()
        """Set when a client closed its connection before the end of an answer."""
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def fake_service(answer: Answer) -> Iterator[FakeService]:
    service = FakeService(answer)
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def refusing_address() -> Iterator[str]:
    """The URL of a port at which nothing listens, and which nobody else can take meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def never_ending(
    service_of: Callable[[], FakeService], drip: bytes = b"", content_type: str = "application/json"
) -> Reply:
    """A reply that does not end before the client or the service does; `drip` is sent again and again."""

    def body() -> Iterator[bytes]:
        while not service_of().stopping.wait(0.05):
            yield drip

    return Reply(body=body(), content_type=content_type)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: FakeService) -> None:
        self.service = service
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        service = self.server.service
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, json.loads(body or "{}"))
        with service.lock:
            service.requests.append(request)
            answer = service.answer
            reply = answer(request)
        self._send(reply)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.server.service.disconnected.set()

    def log_message(self, *_: Any) -> None:
        """Write no log."""

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(reply.body, list):
            self.send_header("content-length", str(reply.length or sum(map(len, reply.body))))
        else:
            self.send_header("connection", "close")
        self.end_headers()
        for piece in reply.body:
            if self._client_is_gone():
                self.server.service.disconnected.set()
                break
            self.wfile.write(piece)
        self.close_connection = self.close_connection or bool(reply.length) or not isinstance(reply.body, list)

    def _client_is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
