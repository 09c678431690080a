"""Accepts the connections of one process, within its limits, until the process ends."""

import contextlib
import logging
import socket
import time
from typing import Any, Final

import gevent
from flask import Response
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import InternalServerError

from webapp.problems import error_response, service_unavailable
from webapp.server.capacity import adapt_to_system
from webapp.server.connection import TOO_BUSY, Connection
from webapp.server.connections import Connections
from webapp.server.drain import Drain
from webapp.server.early_errors import early_response, http_error

log = logging.getLogger(__name__)

SEND_BUFFER_BYTES: Final = 64 * 1024
"""How much of an answer the kernel keeps for a client; its default grows to megabytes for one that does not read."""

MAX_HELD_BYTES: Final = 32 * 1024 * 1024
"""What all connections together may hold of unfinished bodies and unsent answers. Python needs a few times as much."""

CHECK_SECONDS: Final = 0.2
STOP_MARGIN_SECONDS: Final = 5.0
"""How long before the end of gunicorn's graceful timeout the last connections end: the threads end in this time."""

LOGGED: Final = frozenset({400, 403, 414, 431, 500, 501, 505})
"""Early answers that are logged. The others, to slow clients, come in thousands; the metrics count them."""


class ConnectionServer:
    """The listening sockets of a worker and their connections."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._app = worker.wsgi
        self._services = worker.wsgi.extensions["services"]
        capacity = adapt_to_system(self._services.settings.sse_max_connections)
        self._services.connection_limiter.limit = capacity.streams
        self._connections = Connections(capacity.connections, MAX_HELD_BYTES)
        self._app.register_error_handler(ParseException, _body_error_response)
        self._greenlets = Pool()  # without a size, because `Connections` limits them

    def run(self) -> None:
        """Serve until gunicorn asks the worker to end."""
        servers = [self._serve(listener) for listener in self._worker.sockets]
        while self._worker.alive:
            self._worker.notify()
            gevent.sleep(CHECK_SECONDS)
        self._services.end_streams()
        self._finish(servers)
        self._services.close()

    def answer_error(self, client: Connection, address: Any, error: Exception) -> bool:
        """Answer an error that arose before the application. Return False for an error of the process itself."""
        answer = http_error(error)
        if answer is None:
            return False
        if answer.code in LOGGED:
            log.warning("A request of %s is rejected with %s: %s", _host(address), answer.code, answer.description)
        self._send(client, early_response(self._app, answer, bytes(client.head)))
        return True

    def _serve(self, listener: Any) -> StreamServer:
        listener.setblocking(True)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        server = StreamServer(
            listener, handle=lambda client, address: self._handle(listener, client, address), spawn=self._greenlets
        )
        server.start()
        return server

    def _handle(self, listener: Any, client: Any, address: Any) -> None:
        connection = Connection(client, self._connections, self._worker.cfg.keepalive)
        if not self._connections.admit(connection):
            self._send(connection, early_response(self._app, service_unavailable(TOO_BUSY), b""))
            connection.close()
            return
        try:
            self._worker.handle(listener, connection, address)
        finally:
            self._connections.remove(connection)

    def _send(self, client: Connection, response: bytes) -> None:
        with contextlib.suppress(OSError):  # the client has gone
            client.sendall(response)

    def _finish(self, servers: list[StreamServer]) -> None:
        """Close the listening sockets, then wait for the open requests."""
        end = time.monotonic() + self._worker.cfg.graceful_timeout - STOP_MARGIN_SECONDS
        drains = [gevent.spawn(Drain(server).run) for server in servers]
        while time.monotonic() < end and (self._greenlets or not all(drain.ready() for drain in drains)):
            self._worker.notify()
            gevent.sleep(0.05)
        if self._greenlets:
            log.warning("%d connections did not end in time and are closed", len(self._greenlets))
            self._greenlets.kill(timeout=STOP_MARGIN_SECONDS / 6)


def _body_error_response(error: ParseException) -> Response:
    """Answer a chunked body that is invalid, which shows only when the application reads it."""
    return error_response(http_error(error) or InternalServerError())


def _host(address: Any) -> str:
    return str(address[0]) if isinstance(address, tuple) else "an unknown client"
