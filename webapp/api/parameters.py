"""What the calls of thoughts and usage take: their bodies and queries."""

from typing import Annotated, Final, get_args
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema

from contracts.text import MAX_THOUGHT_LENGTH
from webapp.api.requests import Body, UserIdParameter, invalid, number_schema, number_up_to
from webapp.operations import Query
from webapp.representations import Status
from webapp.search import MAX_QUERY_LENGTH

VISIBLE_TEXT: Final = "visible-text"
"""A format of strings: at least one visible character, no NUL, and only characters of Unicode."""

MAX_LIMIT: Final = 100
MAX_DAYS: Final = 366


def _status(value: str) -> str:
    if value not in get_args(Status):
        raise invalid(f"send one of {', '.join(sorted(get_args(Status)))}")
    return value


class NewThought(Body):
    """The body of a POST. Unknown members are rejected: a misspelt `user_id` would store it for the wrong user."""

    text: Annotated[
        str,
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_THOUGHT_LENGTH, "format": VISIBLE_TEXT}),
        Field(description="At least one visible character; white space around it is removed."),
    ]
    user_id: UUID | None = Field(None, description="The author. Without it, the one who sends the request.")
    reuse: StrictBool = Field(True, description="Whether the results of an equal thought may be copied.")


class ListQuery(Query):
    """Which thoughts are listed."""

    keeps_empty = frozenset({"similar_to"})  # an empty search would otherwise list everything

    user_id: UserIdParameter = None
    limit: Annotated[
        int,
        BeforeValidator(number_up_to(MAX_LIMIT)),
        number_schema(MAX_LIMIT),
        Field(description="The most thoughts of a page."),
    ] = 20
    status: Annotated[Status | None, BeforeValidator(_status), Field(description="Only thoughts of this status.")] = (
        None
    )
    cursor: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "format": "cursor"}),
        Field(description="The `next` of the page before."),
    ] = None
    similar_to: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_QUERY_LENGTH, "format": VISIBLE_TEXT}),
        Field(description="The thoughts whose meaning is closest to this text, the closest first; without `status`."),
    ] = None


class UsageQuery(Query):
    """Whose usage is summed, and for how long."""

    user_id: UserIdParameter = None
    days: Annotated[
        int,
        BeforeValidator(number_up_to(MAX_DAYS)),
        number_schema(MAX_DAYS),
        Field(description="Today and the days before, in UTC."),
    ] = 30
