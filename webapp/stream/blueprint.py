"""GET /thoughts/stream/<user_id>: flask-sse's blueprint, extended with the hub, resumption, limits and tickets."""

from collections.abc import Generator
from uuid import UUID

import redis
from flask import Response, request
from flask_sse import ServerSentEventsBlueprint

from webapp.accounts.admissions import Admission
from webapp.operations import described
from webapp.problem_types import TOO_MANY_STREAMS
from webapp.problems import service_unavailable
from webapp.services import Services
from webapp.stream import opening
from webapp.stream.description import STREAM
from webapp.stream.event_stream import EventStream, Item

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class StreamBlueprint(ServerSentEventsBlueprint):  # type: ignore[misc] # flask-sse has no types
    """One instance for each application; `url_for("sse.stream", user_id=...)` is its URL."""

    def __init__(self, services: Services) -> None:
        super().__init__("sse", __name__)
        self._services = services
        self.add_url_rule("/<uuid:user_id>", endpoint="stream", view_func=self.stream)
        self.add_url_rule("/ticket", endpoint="ticket", view_func=opening.new_ticket, methods=["POST"])

    @property
    def redis(self) -> redis.Redis:
        """The client of the process; flask-sse would create one at every access."""
        return self._services.redis

    def messages(
        self, user_id: UUID, last_event_id: str | None = None, admission: Admission | None = None
    ) -> Generator[Item, None, None]:
        """Return the items of a new stream of this user, which ends with its admission."""
        return EventStream(self._services, user_id, last_event_id, admission).items()

    @described(STREAM)
    def stream(self, user_id: UUID) -> Response:
        """Stream a user's events.

        Raises Forbidden, Unauthorized for a used ticket, or ServiceUnavailable when too many streams are open.
        """
        admission = opening.admit(user_id)
        if request.method == "HEAD":
            return Response(mimetype="text/event-stream", headers=HEADERS)
        if not self._services.connection_limiter.try_acquire(user_id):
            raise service_unavailable(
                "Too many open streams. Retry later, or poll the thought's JSON.", TOO_MANY_STREAMS
            )
        items = self.messages(user_id, opening.requested_event_id(), admission)
        response = Response(map(bytes, items), mimetype="text/event-stream", headers=HEADERS)
        response.call_on_close(items.close)
        response.call_on_close(lambda: self._services.connection_limiter.release(user_id))
        _close_with_stream(2 * self._services.settings.sse_heartbeat_interval)
        return response


def _close_with_stream(seconds: float) -> None:
    """Drop a client that has not read for `seconds`; without a deadline it would count as an open stream forever.

    The connection ends with the stream, because waiting for another request on it would delay the end of the process.
    """
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.begin_stream(seconds)
