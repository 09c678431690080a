"""Gunicorn's gevent worker with deadlines and limits for its connections, and an end that resets none of them.

Gunicorn's parent process imports this module before gevent patches the standard library, so it imports nothing of the
application.
"""

import contextlib
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    from webapp.server.connection import Connection


class WebWorker(GeventWorker):  # type: ignore[misc] # gunicorn has no types
    """One process of the web. Its limits come from the settings and the system, not from gunicorn's configuration."""

    def run(self) -> None:
        """Serve until the process is asked to end, then end without resetting a connection."""
        from webapp.server.connection_server import ConnectionServer

        self._server = ConnectionServer(self)
        self._server.run()

    def timeout_ctx(self) -> contextlib.AbstractContextManager[None]:
        """Return no limit, because the connection has a deadline for each of its waits."""
        return contextlib.nullcontext()

    def handle(self, listener: Any, client: "Connection", addr: Any) -> None:
        """Serve the requests of one connection. Gunicorn's method for gevent would remove the deadlines."""
        AsyncWorker.handle(self, listener, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: "Connection", addr: Any) -> None:
        """Answer one request of a connection. Raises StopIteration when the connection ends with it.

        A client that pipelines requests and reads the answers never makes its greenlet wait, so each request lets the
        other greenlets of the process run first.
        """
        gevent.sleep(0)
        sock.begin_request(req)
        super().handle_request(listener_name, req, sock, addr)
        sock.end_request()

    def handle_error(self, req: Any, client: "Connection", addr: Any, exc: BaseException) -> None:
        """Answer a request that the application never saw, in the application's words.

        Gunicorn logs the address of the others. The query is cut off, because it may hold the ticket of a stream.
        """
        if isinstance(exc, Exception) and not self._server.answer_error(client, addr, exc):
            if req is not None:
                req.uri = req.path
            super().handle_error(req, client, addr, exc)
