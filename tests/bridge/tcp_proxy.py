"""A local port before a server, from which the server can be taken away and given back."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Valve:
    """Passes bytes on while it is open. Shut, it resets what is open and refuses what comes."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, is_open: bool = True) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = self._bound(0)
        self.port: int = self._listener.getsockname()[1]
        if is_open:
            self.open()

    def open(self) -> None:
        if self._listener.fileno() < 0:
            self._listener = self._bound(self.port)
        self._listener.listen()
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _bound(port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        return listener

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Each closes its own source only: a socket closed under another thread's recv would stay open for its peer."""
        with self._lock:
            self._open.add(source)
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        with self._lock:
            self._open.discard(source)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()


def through(url: str, valve: Valve) -> str:
    """The address with the valve's port."""
    parts = urlsplit(url)
    credentials, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{credentials}{at}127.0.0.1:{valve.port}").geturl()


def valve_before(url: str) -> Valve:
    parts = urlsplit(url)
    assert parts.port
    return Valve(parts.port, parts.hostname or "127.0.0.1")
