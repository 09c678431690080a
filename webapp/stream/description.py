"""Describes the stream for the OpenAPI document."""

from typing import Final

from webapp.operations import Answer, Header, Operation
from webapp.problem_types import OTHER_USER, TOO_MANY_STREAMS

STREAM: Final = Operation(
    id="streamEvents",
    tag="Live progress",
    summary="Follow a user's thoughts live",
    description=(
        "Server-sent events: `thought_created`, `thought_processing`, `thought_agent_completed`, `thought_completed` "
        "and `thought_failed`, each once and in order; `reset` with the current thoughts when the client's last event "
        "is too old; `thought_agent_progress` with what a model has written so far, without an id and never stored. "
        "The stream ends after about ten minutes: connect again with the id of the last event."
    ),
    headers=(
        Header("Last-Event-ID", "The id of the last event that the client has. Later ones follow.", {"type": "string"}),
    ),
    answers={200: Answer("Events, until the stream ends.", media_type="text/event-stream")},
    problems=(OTHER_USER, TOO_MANY_STREAMS),
)
