"""Clients that take part in no conversation: they send a request byte by byte, or never read what they asked for."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.error import URLError
from urllib.parse import urlsplit

from tests.faults.context import FaultContext
from tests.running_stack import Stack, new_id

DRIP_SECONDS = 1.0
SMALL_BUFFER = 2048
"""Bytes that a client's system receives for it before it lets the sender wait."""

DRIPPING = b"POST /thoughts HTTP/1.1\r\nHost: web\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
HEADERS_ONLY = b"GET /thoughts HTTP/1.1\r\nHost: web\r\nX-Slow: "
STREAM = "GET /thoughts/stream/{} HTTP/1.1\r\nHost: web\r\n\r\n"
PAGE = "GET /thoughts?limit=100&user_id={} HTTP/1.1\r\nHost: web\r\n\r\n"


@dataclass
class SlowClients:
    """Open connections; one thread sends a byte on each of the dripping ones every second."""

    url: str
    dripping: list[socket.socket] = field(default_factory=list)
    unread: list[socket.socket] = field(default_factory=list)
    ended: int = 0
    """Dripping connections that the web has ended."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._drip, name="slow clients", daemon=True)

    def open(self, number: int) -> None:
        """Open this many clients of each kind."""
        for _ in range(number):
            self._connect(DRIPPING, self.dripping)
            self._connect(HEADERS_ONLY, self.dripping)
            self._connect(STREAM.format(new_id()).encode(), self.unread)
            self._connect(PAGE.format(new_id()).encode() * 20, self.unread)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(30)
        for connection in (*self.dripping, *self.unread):
            connection.close()

    def _connect(self, request: bytes, connections: list[socket.socket]) -> None:
        address = urlsplit(self.url)
        connection = socket.socket()
        connections.append(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        connection.settimeout(10)
        with suppress(OSError):  # a web process that another fault has just ended
            connection.connect((address.hostname or "", address.port or 0))
            connection.sendall(request)
        connection.setblocking(False)

    def _drip(self) -> None:
        open_connections = list(self.dripping)
        while not self._stopping.wait(DRIP_SECONDS):
            sent = [connection for connection in open_connections if _send_byte(connection)]
            self.ended += len(open_connections) - len(sent)
            open_connections = sent


def _send_byte(connection: socket.socket) -> bool:
    """Return whether the connection is still open."""
    try:
        connection.send(b" ")
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def slow_clients(stack: Stack, number: int) -> Iterator[SlowClients]:
    """Keep this many slow clients of each kind connected during the block."""
    clients = SlowClients(stack.url)
    try:
        clients.open(number)
        yield clients
    finally:
        clients.close()


def crowd_with_slow_clients(context: FaultContext) -> str:
    """Connect many slow clients beside the load; a person's request must be answered nevertheless."""
    number = context.rng.randint(50, 150)
    with slow_clients(context.stack, number):
        seconds = context.wait(5, 20)
        try:
            context.stack.post("Beside slow clients", new_id())
        except (URLError, TimeoutError, AssertionError) as error:
            context.violations.append(f"beside {4 * number} slow clients a POST failed: {error}")
    return f"{4 * number} slow clients {seconds:.0f} s"
