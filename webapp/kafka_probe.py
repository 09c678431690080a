"""Checks over plain TCP whether Kafka is reachable, because the web never loads Kafka's client."""

import logging
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from contracts.setting_values import Address

log = logging.getLogger(__name__)

CHECK_INTERVAL_SECONDS = 5.0
CONNECT_TIMEOUT_SECONDS = 1.5
"""Shared by all servers, so that GET /health gets the last server's answer even when the others do not respond."""


class KafkaProbe:
    """Checks every CHECK_INTERVAL_SECONDS in a background thread, so that no request waits for the result.

    `servers` are hosts and ports; when there are none, nothing is checked.
    """

    def __init__(self, servers: Sequence[Address]) -> None:
        self._servers = servers
        self._reachable = True
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def is_reachable(self) -> bool:
        """Whether the last check reached Kafka. True before the first check, which this property starts."""
        self.start()
        return self._reachable

    def start(self) -> None:
        """Start the background thread. Calling it again is harmless."""
        with self._lock:
            if self._thread is None and self._servers:
                self._thread = threading.Thread(target=self._run, name="kafka-probe", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop the background thread."""
        self._closing.set()

    def check(self) -> float:
        """Connect to one of the servers now and return the seconds it took. Raises OSError when none answers."""
        started_at = time.monotonic()
        try:
            self._connect()
        except OSError:
            self._set_reachable(reachable=False)
            raise
        self._set_reachable(reachable=True)
        return time.monotonic() - started_at

    def _connect(self) -> None:
        last_error: OSError = ConnectionError("there is no server to connect to")
        for address in self._servers:
            try:
                socket.create_connection(address, CONNECT_TIMEOUT_SECONDS / len(self._servers)).close()
            except OSError as error:
                last_error = error
            else:
                return
        raise last_error

    def _run(self) -> None:
        while not self._closing.is_set():
            with suppress(OSError):
                self.check()
            self._closing.wait(CHECK_INTERVAL_SECONDS)

    def _set_reachable(self, *, reachable: bool) -> None:
        if reachable != self._reachable:
            log.warning(
                "Kafka is available again"
                if reachable
                else "Kafka is unavailable, accepted thoughts wait in the outbox until it is back"
            )
        self._reachable = reachable
