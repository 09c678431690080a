"""Describes the calls of thoughts for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any, Final

from webapp.api import headers
from webapp.api.batch import MAX_THOUGHTS, NewBatch
from webapp.api.parameters import ListQuery, NewThought
from webapp.operations import Answer, Operation
from webapp.problem_types import (
    INVALID_CURSOR,
    INVALID_JSON,
    INVALID_KEY,
    INVALID_VALUE,
    KEY_REUSED,
    NOT_FOUND,
    NOT_RECOGNISED,
    OTHER_USER,
    SEARCH_UNAVAILABLE,
    THOUGHT_DELETED,
    TOO_MANY_SEARCHES,
    UNSUPPORTED_MEDIA_TYPE,
)
from webapp.representations import AcceptedThought, BatchAnswer, Thought, ThoughtList

TAG: Final = "Thoughts"


def _links(expression: str) -> Mapping[str, Mapping[str, Any]]:
    parameters = {"parameters": {"thought_id": expression}}
    return {
        "show": {"operationId": "getThought", "description": "Read the thought.", **parameters},
        "delete": {"operationId": "deleteThought", "description": "Delete the thought.", **parameters},
    }


CREATE: Final = Operation(
    id="createThought",
    tag=TAG,
    summary="Submit a thought",
    description=(
        "Stores the thought, and lets the agents analyse it once, after the author's earlier ones. 201 means that it "
        "is stored and will not be lost. Without `Prefer` the answer comes at once, and the analysis follows. With it, "
        "a token without the scope `read` gets the status of the thought and nothing else of it."
    ),
    body=NewThought,
    headers=(headers.IDEMPOTENCY_KEY, headers.PREFER),
    answers={
        201: Answer(
            "The thought is stored.",
            AcceptedThought,
            headers=(headers.LOCATION, headers.PREFERENCE_APPLIED),
            links=_links("$response.body#/id"),
        )
    },
    problems=(
        INVALID_JSON, INVALID_KEY, OTHER_USER, NOT_RECOGNISED, THOUGHT_DELETED, UNSUPPORTED_MEDIA_TYPE, INVALID_VALUE,
        KEY_REUSED,
    ),
)  # fmt: skip

CREATE_BATCH: Final = Operation(
    id="createThoughts",
    tag=TAG,
    summary="Submit many thoughts of one author",
    description=(
        f"Accepts up to {MAX_THOUGHTS} thoughts in their order, each on its own: `results` says for each what a "
        "request of its own would have been answered with. A thought that is refused does not stop the others; when "
        "one cannot be stored (503), those after it are not tried, so that the order stays. Send these again with the "
        "same keys. A malformed body is refused as a whole."
    ),
    body=NewBatch,
    answers={
        200: Answer("A result for each thought.", BatchAnswer, links=_links("$response.body#/results/0/thought/id"))
    },
    problems=(INVALID_JSON, OTHER_USER, NOT_RECOGNISED, UNSUPPORTED_MEDIA_TYPE, INVALID_VALUE),
)

SHOW: Final = Operation(
    id="getThought",
    tag=TAG,
    summary="Read a thought and its analysis",
    description="Shows the thought, each agent's progress and result, what they used, and similar earlier thoughts.",
    headers=(headers.IF_NONE_MATCH,),
    answers={200: Answer("The thought.", Thought, headers=(headers.ETAG,)), 304: headers.UNCHANGED},
    problems=(NOT_FOUND,),
)

DELETE: Final = Operation(
    id="deleteThought",
    tag=TAG,
    summary="Delete a thought",
    description=(
        "Erases its text, its results and what other results quote from it. Deleting it again changes nothing. Records "
        "in Kafka disappear when the retention of their topic ends."
    ),
    answers={204: Answer("The thought is deleted.")},
    problems=(NOT_FOUND,),
)

LIST: Final = Operation(
    id="listThoughts",
    tag=TAG,
    summary="List a user's thoughts, or search them by meaning",
    description=(
        "Returns one page, the latest thoughts first. Follow the header `Link` (or `next`) until there is none. The "
        "list of a client that nobody knows is empty."
    ),
    query=ListQuery,
    headers=(headers.IF_NONE_MATCH,),
    answers={
        200: Answer("A page of thoughts.", ThoughtList, headers=(headers.ETAG, headers.LINK)),
        304: headers.UNCHANGED,
    },
    problems=(INVALID_CURSOR, OTHER_USER, INVALID_VALUE, TOO_MANY_SEARCHES, SEARCH_UNAVAILABLE),
)
