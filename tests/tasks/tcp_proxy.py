"""A door before a server: it lets everything through, lets nobody in, answers late, or loses an answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_Pair = tuple[socket.socket, socket.socket]


class Gate:
    """A TCP forwarder on a port of its own, open at first. Cutting a connection is what a restart looks like."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._open = True
        self._flows = threading.Event()
        self._flows.set()
        self._answers_to_lose = 0
        self.answers_after = 0.0
        """Seconds by which every answer comes late."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The server's address through the gate."""
        user, at, _ = self._parts.netloc.rpartition("@")
        port = self._listener.getsockname()[1]
        return urlunsplit(self._parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def shut(self) -> None:
        """Cut every connection, and each new one at once."""
        self._open = False
        self._cut()

    def open(self) -> None:
        """Let everything through again."""
        self._open = True
        self.flow()

    def swallow(self) -> None:
        """Become a black hole: connections are taken and nothing comes back."""
        self._flows.clear()

    def flow(self) -> None:
        """What was held back goes on."""
        self._flows.set()

    def lose_answer(self) -> None:
        """The next answer is lost with its connection: its statement was done, and nobody is told."""
        self._answers_to_lose += 1

    def close(self) -> None:
        """For good."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._flows.set()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._open:
                    near.close()
                    continue
                far = socket.create_connection((self._parts.hostname or "", self._parts.port or 0))
                with self._lock:
                    self._pairs.append((near, far))
                threading.Thread(target=self._pump, args=((near, far), near, far, False), daemon=True).start()
                threading.Thread(target=self._pump, args=((near, far), far, near, True), daemon=True).start()

    def _pump(self, pair: _Pair, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                if answers:
                    time.sleep(self.answers_after)
                    if self._answers_to_lose:
                        self._answers_to_lose -= 1
                        break
                sink.sendall(data)
        _end(pair)

    def _cut(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _end(pair)


def _end(pair: _Pair) -> None:
    for end in pair:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def a_gate(url: str) -> Iterator[Gate]:
    """A gate that is closed at the end."""
    gate = Gate(url)
    try:
        yield gate
    finally:
        gate.close()
