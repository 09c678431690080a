"""Stops accepting connections without resetting one: leaves the group of listeners, serves the queue, then closes."""

import contextlib
import socket
import time
from typing import Any, Final

import gevent
from gevent.server import StreamServer

from webapp.server import reuseport

DRAIN_SECONDS: Final = 0.5
"""How long the queue is served after the socket left the selection: handshakes that had begun are complete by then."""

MAX_ATTEMPTS: Final = 5
"""How often the selection is left: another process that starts at this moment resets it."""

ARRIVAL_SECONDS: Final = 0.05
"""How long to wait for a connection of this process to itself."""

_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class Drain:
    """The end of one server's listening socket."""

    def __init__(self, server: StreamServer) -> None:
        self._server = server
        self._listener = server.socket

    def run(self) -> None:
        """Accept what is queued until no other connection can come, then close the socket."""
        self._server.stop_accepting()
        for _ in range(MAX_ATTEMPTS):
            if not reuseport.leave_selection(self._listener, self._arrives_here):
                break  # no other process listens: connections come until the socket is closed
            self._serve_for(DRAIN_SECONDS)
            if not any(self._arrives_here() for _ in range(reuseport.VERIFYING_CONNECTIONS)):
                break
        self._accept_queued()
        reuseport.detach(self._listener)  # right before close: a later one would need another socket of the group
        self._server.close()

    def _serve_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._accept_queued()
            gevent.sleep(0.01)

    def _accept_queued(self, own_address: Any = None) -> bool:
        """Serve all queued connections. Return whether the one from `own_address` was among them, which is closed."""
        has_arrived = False
        while (accepted := self._server.do_read()) is not None:
            client, address = accepted
            if address == own_address:
                client.close()
                has_arrived = True
            else:
                self._server.do_handle(client, address)
        return has_arrived

    def _arrives_here(self) -> bool:
        host, port, *rest = self._listener.getsockname()
        with contextlib.suppress(OSError), socket.socket(self._listener.family) as probe:
            probe.settimeout(1)
            probe.connect((_WILDCARDS.get(host, host), port, *rest))
            end = time.monotonic() + ARRIVAL_SECONDS
            while not self._accept_queued(probe.getsockname()):
                if time.monotonic() >= end:
                    return False
                gevent.sleep(0.005)
            return True
        return False
