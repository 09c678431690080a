"""A way to PostgreSQL that can be slow, or cut: connections stay open, and nothing comes through any more."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

CHUNK = 65_536
LOOK_AGAIN_SECONDS = 0.05


class Way:
    """Passes bytes between its port and a server until it is cut; what is sent after that is never answered."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: dict[socket.socket, socket.socket] = {}
        self._cut, self._ended = Event(), Event()
        self._seconds = 0.0

    @property
    def url(self) -> str:
        """The server's address by this way."""
        user = self._parts.netloc.rpartition("@")[0]
        port = self._listening.getsockname()[1]
        return self._parts._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    def cut(self) -> None:
        """From now on nothing passes, on connections old and new."""
        self._cut.set()

    def mend(self) -> None:
        """What comes from now on passes again."""
        self._cut.clear()

    def slow_down(self, seconds: float) -> None:
        """From now on everything takes so long, each way."""
        self._seconds = seconds

    def run(self) -> None:
        """Pass bytes on until `end`."""
        while not self._ended.is_set():
            readable, _, _ = select.select([self._listening, *self._open], [], [], LOOK_AGAIN_SECONDS)
            for ready in readable:
                self._take(ready)

    def end(self) -> None:
        """Stop and close everything."""
        self._ended.set()

    def close(self) -> None:
        for each in (self._listening, *self._open):
            each.close()

    def _take(self, ready: socket.socket) -> None:
        if ready is self._listening:
            self._join(ready.accept()[0])
        elif ready in self._open:
            self._pass(ready)

    def _join(self, client: socket.socket) -> None:
        server = socket.create_connection((self._parts.hostname or "", self._parts.port or 5432))
        self._open |= {client: server, server: client}

    def _pass(self, ready: socket.socket) -> None:
        data = received(ready)
        other = self._open[ready]
        if not data:
            for each in (ready, other):
                del self._open[each]
                each.close()
        elif not self._cut.is_set():
            self._ended.wait(self._seconds)
            other.sendall(data)


def received(connection: socket.socket) -> bytes:
    """What has come; nothing once the other end is gone."""
    try:
        return connection.recv(CHUNK)
    except ConnectionError:
        return b""


@contextmanager
def way_to(url: str) -> Iterator[Way]:
    """A way that works, for the time of a test."""
    way = Way(url)
    thread = Thread(target=way.run)
    thread.start()
    try:
        yield way
    finally:
        way.end()
        thread.join()
        way.close()
