"""GET /thoughts/stream/<user_id>: flask-sse's blueprint, with a hub, a memory and limits in its place."""

import contextlib
import socket
from collections.abc import Generator
from uuid import UUID

import redis
from flask import Response, request
from flask_sse import ServerSentEventsBlueprint
from werkzeug.exceptions import Forbidden

from webapp import access
from webapp.problems import unavailable
from webapp.services import Services
from webapp.stream.event_stream import EventStream, Item

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class StreamBlueprint(ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse has no types
    """An instance an application; `url_for("sse.stream", user_id=...)` leads here."""

    def __init__(self, services: Services) -> None:
        super().__init__("sse", __name__)
        self._services = services
        self.add_url_rule("/<uuid:user_id>", endpoint="stream", view_func=self.stream)

    @property
    def redis(self) -> redis.Redis:
        """The client of the process; flask-sse would make one at every access."""
        return self._services.redis

    def messages(self, user_id: UUID, last_event_id: str | None = None) -> Generator[Item, None, None]:
        """What a reader of this user's channel is sent."""
        return EventStream(self._services, user_id, last_event_id).items()

    def stream(self, user_id: UUID) -> Response:
        """Stream a user's events. Raises Forbidden, or ServiceUnavailable when all streams are taken."""
        if not access.may_act_for(user_id):
            raise Forbidden("This is another user's stream.")
        if request.method == "HEAD":
            return Response(mimetype="text/event-stream", headers=HEADERS)
        if not self._services.connection_limiter.try_acquire(user_id):
            raise unavailable("All streams are taken at the moment; ask for the thought's JSON meanwhile.")
        items = self.messages(user_id, request.headers.get("Last-Event-ID"))
        response = Response(map(bytes, items), mimetype="text/event-stream", headers=HEADERS)
        response.call_on_close(items.close)
        response.call_on_close(lambda: self._services.connection_limiter.release(user_id))
        _close_with_stream(response, 2 * self._services.settings.sse_heartbeat_interval)
        return response


def _close_with_stream(response: Response, seconds: float) -> None:
    """A reader that takes nothing for this long is gone; without a bound it would keep its place for ever.

    The connection ends with the stream: waiting for another request on it would hold up the end of the process.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return
    connection.settimeout(seconds)

    def read_no_more() -> None:
        with contextlib.suppress(OSError):  # the reader was faster
            connection.shutdown(socket.SHUT_RD)

    response.call_on_close(read_no_more)
