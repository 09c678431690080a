"""Whether Kafka can be reached, found out by TCP alone: the web never loads Kafka's client."""

import logging
import socket
import threading
import time
from contextlib import suppress

from contracts.settings import SettingsError

log = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 1.5
"""For all servers together: with most of them cut off, the answer of the last one still counts for GET /health."""


class KafkaProbe:
    """Looks every few seconds from a thread of its own, so that no request waits for the answer.

    `servers` is Kafka's comma-separated list; empty means that there is nothing to reach. Raises SettingsError.
    """

    def __init__(self, servers: str) -> None:
        self._servers = [_address(server) for server in servers.split(",") if server.strip()]
        self._reachable = True
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_reachable(self) -> bool:
        """What the last look found, at most some seconds old; hopeful before the first, which it starts."""
        self.start()
        return self._reachable

    def start(self) -> None:
        """Look from now on; may be called again."""
        with self._lock:
            if self._thread is None and self._servers:
                self._thread = threading.Thread(target=self._run, name="reachability", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()

    def check(self) -> float:
        """Connect to one of the servers now, and remember it; the seconds it took. Raises OSError when none answers."""
        begun = time.monotonic()
        try:
            self._connect()
        except OSError:
            self._set_reachable(reachable=False)
            raise
        self._set_reachable(reachable=True)
        return time.monotonic() - begun

    def _connect(self) -> None:
        refusal: OSError = ConnectionError("no server is named")
        for address in self._servers:
            try:
                socket.create_connection(address, CONNECT_TIMEOUT_SECONDS / len(self._servers)).close()
            except OSError as error:
                refusal = error
            else:
                return
        raise refusal

    def _run(self) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                self.check()
            self._closing.wait(CHECK_INTERVAL_SECONDS)

    def _set_reachable(self, *, reachable: bool) -> None:
        if reachable != self._reachable:
            log.warning("Kafka %s", "is back" if reachable else "is away: thoughts are accepted and wait in the outbox")
        self._reachable = reachable


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    if not (host and port.isdigit()):
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS: must be host:port, several of them separated by commas")
    return host.strip("[]"), int(port)
