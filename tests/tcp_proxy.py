"""One TCP proxy for all tests: a local port before a server that forwards bytes, and fails as networks and servers do.

refuse / accept    the server is down: connections are reset, new ones refused; then it is up again
stall / resume     the cable is cut: connections stay open and no byte passes, until what waited passes
*_delay            the network is slow
lose_next_answer   the connection breaks between a statement and its answer
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
CHUNK = 65_536

IsStalled = Callable[[int], bool]
"""Whether the connection from this client port is to be stalled."""


class Link:
    """One connection through the proxy: the client's socket, the server's once it is connected, and two pumps."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.server = socket.socket()
        self.client_port: int = client.getpeername()[1]
        self.flowing = threading.Event()
        self.flowing.set()
        self._running_pumps = 2
        self._lock = threading.Lock()

    def reset(self) -> None:
        """End the connection on both sides. The pumps close the sockets: one that is closed under another thread's
        recv would stay open for its peer."""
        self.flowing.set()
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def pump_ended(self) -> None:
        """Close both sockets after the second pump."""
        with self._lock:
            self._running_pumps -= 1
            is_over = self._running_pumps == 0
        if is_over:
            self.close()

    def close(self) -> None:
        """Close both sockets."""
        self.client.close()
        self.server.close()


class TcpProxy:
    """A proxy before `host`:`port`. It listens on `self.port`, chosen by the system unless `own_port` is given."""

    def __init__(self, host: str, port: int, *, own_port: int = 0, is_accepting: bool = True) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._links: set[Link] = set()
        self._is_stalled: IsStalled | None = None
        self._answers_to_lose = 0
        self._is_accepting = False
        self.request_delay = 0.0
        """Seconds by which everything that clients send comes late."""
        self.answer_delay = 0.0
        """Seconds by which every answer comes late."""
        self._listener = _bound(own_port)
        self.port: int = self._listener.getsockname()[1]
        if is_accepting:
            self.accept()

    @classmethod
    def before(cls, url: str) -> Self:
        """A proxy before the server of an address."""
        parts = urlsplit(url)
        assert parts.port, "the address names its port"
        return cls(parts.hostname or LOOPBACK, parts.port)

    @property
    def address(self) -> str:
        """host:port of the proxy."""
        return f"{LOOPBACK}:{self.port}"

    def url(self, url: str) -> str:
        """The same address, through the proxy."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{credentials}{at}{self.address}").geturl()

    def accept(self) -> None:
        """Take connections, at the same port as before."""
        if self._is_accepting:
            return
        self._is_accepting = True
        if self._listener.fileno() < 0:
            self._listener = _bound(self.port)
        self._listener.listen(128)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Reset all connections, and refuse new ones until `accept`."""
        self._is_accepting = False
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in self._open_links():
            link.reset()

    def stall(self, is_stalled: IsStalled = lambda _: True) -> None:
        """Let no byte pass, on these connections or on all, old and new, until `resume`."""
        self._is_stalled = is_stalled
        for link in self._open_links():
            if is_stalled(link.client_port):
                link.flowing.clear()

    def resume(self) -> None:
        """Let everything pass again, what waited first."""
        self._is_stalled = None
        for link in self._open_links():
            link.flowing.set()

    def lose_next_answer(self) -> None:
        """The next answer is lost with its connection: its request was served, and the client never hears of it."""
        with self._lock:
            self._answers_to_lose += 1

    def close(self) -> None:
        """End everything."""
        self.resume()
        self.refuse()

    def _open_links(self) -> list[Link]:
        with self._lock:
            return list(self._links)

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            link = Link(client)
        except OSError:  # the client has gone already
            client.close()
            return
        with self._lock:
            self._links.add(link)
        if self._is_stalled is not None and self._is_stalled(link.client_port):
            link.flowing.clear()
        link.flowing.wait()
        try:
            link.server.connect(self._target)
        except OSError:
            link.close()
            return
        threading.Thread(target=self._pump, args=(link, self._forward_requests), daemon=True).start()
        self._pump(link, self._forward_answers)
        with self._lock:
            self._links.discard(link)

    def _pump(self, link: Link, forward: Callable[[Link], None]) -> None:
        try:
            forward(link)
        except OSError:
            link.reset()
        finally:
            link.pump_ended()

    def _forward_requests(self, link: Link) -> None:
        while data := link.client.recv(CHUNK):
            link.flowing.wait()
            time.sleep(self.request_delay)
            link.server.sendall(data)
        _pass_end(link, link.server)

    def _forward_answers(self, link: Link) -> None:
        while data := link.server.recv(CHUNK):
            link.flowing.wait()
            time.sleep(self.answer_delay)
            if self._loses_answer():
                link.reset()
                return
            link.client.sendall(data)
        _pass_end(link, link.client)

    def _loses_answer(self) -> bool:
        with self._lock:
            loses = self._answers_to_lose > 0
            self._answers_to_lose -= loses
        return loses


def _pass_end(link: Link, sink: socket.socket) -> None:
    """The end of one direction passes only while bytes do."""
    link.flowing.wait()
    sink.shutdown(socket.SHUT_WR)


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    return listener


@contextmanager
def proxy_before(url: str) -> Iterator[TcpProxy]:
    """A proxy before the server of an address, closed at the end."""
    proxy = TcpProxy.before(url)
    try:
        yield proxy
    finally:
        proxy.close()
