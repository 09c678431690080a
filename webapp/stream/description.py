"""Describes the stream for the OpenAPI document."""

from typing import Final

from pydantic import Field

from webapp.operations import Answer, Header, Operation, Query
from webapp.problem_types import OTHER_USER, TICKET_USED, TOO_MANY_STREAMS
from webapp.representations import StreamTicket

_LAST_EVENT: Final = "The id of the last event that the client has. Later ones follow."


class StreamQuery(Query):
    """What a client that cannot send headers puts into the address."""

    keeps_empty = frozenset({"ticket"})  # an empty one opens nothing

    ticket: str | None = Field(None, description="A ticket, instead of a token or a cookie.")
    last_event_id: str | None = Field(None, description=f"{_LAST_EVENT} The header counts before it.")


STREAM: Final = Operation(
    id="streamEvents",
    tag="Live progress",
    summary="Follow a user's thoughts live",
    description=(
        "Server-sent events: `thought_created`, `thought_processing`, `thought_agent_completed`, `thought_completed` "
        "and `thought_failed`, each once and in order; `reset` with the current thoughts when the client's last event "
        "is too old; `thought_agent_progress` with what a model has written so far, without an id and never stored. "
        "A token with the scope `stream` therefore reads texts and results. The stream ends after about ten minutes: "
        "connect again with the id of the last event."
    ),
    query=StreamQuery,
    headers=(Header("Last-Event-ID", _LAST_EVENT, {"type": "string"}),),
    answers={200: Answer("Events, until the stream ends.", media_type="text/event-stream")},
    problems=(OTHER_USER, TICKET_USED, TOO_MANY_STREAMS),
)

TICKET: Final = Operation(
    id="createStreamTicket",
    tag="Live progress",
    summary="Get a ticket for a stream",
    description=(
        "EventSource can send no Authorization header. The ticket opens one stream of the request's user, once, within "
        "the seconds that the answer says, while its token or sign-in is valid. Get another one to connect again."
    ),
    answers={201: Answer("The ticket.", StreamTicket)},
)
