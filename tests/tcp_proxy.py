"""Provides one TCP proxy for all tests, which forwards a server's bytes and simulates failures of networks and servers.

refuse / accept    the server is down: connections are reset and new ones refused; then it is up again
stall / resume     the cable is cut: connections stay open and no byte passes; then the waiting bytes pass
*_delay            the network is slow
lose_next_answer   the connection breaks between a request and its answer
"""

import select
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
"""Returns whether the connection from this client port is stalled."""


class Link:
    """One connection through the proxy: the sockets of client and server, and two threads that forward bytes."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.server = socket.socket()
        self.client_port: int = client.getpeername()[1]
        self.flowing = threading.Event()
        self.flowing.set()
        self._running_pumps = 2
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Shut down the connection on both sides.

        The forwarding threads close the sockets, because a socket that is closed during another thread's recv stays
        open for its peer.
        """
        self.flowing.set()
        for endpoint in (self.client, self.server):
            with suppress(OSError):
                endpoint.shutdown(socket.SHUT_RDWR)

    def on_pump_end(self) -> None:
        """Close both sockets when the second forwarding thread has ended."""
        with self._lock:
            self._running_pumps -= 1
            is_last = self._running_pumps == 0
        if is_last:
            self.close()

    def close(self) -> None:
        """Close both sockets."""
        self.client.close()
        self.server.close()


class TcpProxy:
    """A proxy to `host`:`port`. It listens on `self.port`, which the system chooses unless `listen_port` is given."""

    def __init__(self, host: str, port: int, *, listen_port: int = 0, is_accepting: bool = True) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._links: set[Link] = set()
        self._is_stalled: IsStalled | None = None
        self._answers_to_lose = 0
        self._is_accepting = False
        self.request_delay = 0.0
        """Seconds by which the bytes that clients send are delayed."""
        self.answer_delay = 0.0
        """Seconds by which the server's answers are delayed."""
        self._listener = _bind(listen_port)
        self.port: int = self._listener.getsockname()[1]
        if is_accepting:
            self.accept()

    @classmethod
    def for_url(cls, url: str) -> Self:
        """Return a proxy to the server that a URL names."""
        parts = urlsplit(url)
        assert parts.port, "the URL must name the port"
        return cls(parts.hostname or LOOPBACK, parts.port)

    @property
    def address(self) -> str:
        """The proxy's own host:port."""
        return f"{LOOPBACK}:{self.port}"

    def proxied_url(self, url: str) -> str:
        """Return the URL with the proxy's address."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{credentials}{at}{self.address}").geturl()

    def accept(self) -> None:
        """Accept connections, on the same port as before."""
        if self._is_accepting:
            return
        self._is_accepting = True
        if self._listener.fileno() < 0:
            self._listener = _bind(self.port)
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
        """Hold all bytes until `resume`, on the selected connections or on all, existing and new."""
        self._is_stalled = is_stalled
        for link in self._open_links():
            if is_stalled(link.client_port):
                link.flowing.clear()

    def resume(self) -> None:
        """Forward bytes again, the waiting ones first."""
        self._is_stalled = None
        for link in self._open_links():
            link.flowing.set()

    def lose_next_answer(self) -> None:
        """Reset the connection of the next answer, so that its request is served and the client receives no answer."""
        with self._lock:
            self._answers_to_lose += 1

    def close(self) -> None:
        """Reset all connections and stop listening."""
        self.resume()
        self.refuse()

    def _open_links(self) -> list[Link]:
        with self._lock:
            return list(self._links)

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            link = Link(client)
        except OSError:  # the client has already disconnected
            client.close()
            return
        with self._lock:
            self._links.add(link)
        if self._is_stalled is not None and self._is_stalled(link.client_port):
            link.flowing.clear()
        link.flowing.wait()
        if _has_left(link):
            self._drop(link)
            return
        try:
            link.server.connect(self._target)
        except OSError:
            self._drop(link)
            return
        threading.Thread(target=self._pump, args=(link, self._forward_requests), daemon=True).start()
        self._pump(link, self._forward_answers)
        with self._lock:
            self._links.discard(link)

    def _drop(self, link: Link) -> None:
        with self._lock:
            self._links.discard(link)
        link.close()

    def _pump(self, link: Link, forward: Callable[[Link], None]) -> None:
        try:
            forward(link)
        except OSError:
            link.reset()
        finally:
            link.on_pump_end()

    def _forward_requests(self, link: Link) -> None:
        while data := link.client.recv(CHUNK):
            link.flowing.wait()
            time.sleep(self.request_delay)
            link.server.sendall(data)
        _forward_end(link, link.server)

    def _forward_answers(self, link: Link) -> None:
        while data := link.server.recv(CHUNK):
            link.flowing.wait()
            time.sleep(self.answer_delay)
            if self._loses_answer():
                link.reset()
                return
            link.client.sendall(data)
        _forward_end(link, link.client)

    def _loses_answer(self) -> bool:
        with self._lock:
            is_lost = self._answers_to_lose > 0
            self._answers_to_lose -= is_lost
        return is_lost


def _has_left(link: Link) -> bool:
    """Return whether the client has closed its connection, as it may during a stall.

    Through a cut cable its request to connect would never reach the server. If the proxy connected for it after the
    stall, hundreds of such clients would take every connection that the server has.
    """
    hang_up = select.poll()
    hang_up.register(link.client, getattr(select, "POLLRDHUP", 0))
    return bool(hang_up.poll(0))


def _forward_end(link: Link, sink: socket.socket) -> None:
    """Forward the end of one direction, unless the connection is stalled."""
    link.flowing.wait()
    sink.shutdown(socket.SHUT_WR)


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    return listener


@contextmanager
def proxy_for(url: str) -> Iterator[TcpProxy]:
    """Run a proxy to the server that a URL names, until the block ends."""
    proxy = TcpProxy.for_url(url)
    try:
        yield proxy
    finally:
        proxy.close()
