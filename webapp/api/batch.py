"""POST /thoughts:batch: accepts up to a hundred thoughts, each on its own, in the order in which they are sent.

A thought that is refused for what it says does not stop the others. One that could not be stored does, because a later
one would overtake it: the client sends the rest again, and the keys make that harmless.
"""

import time
from typing import Annotated, Final
from uuid import UUID

from flask import Response
from pydantic import Field, StrictBool
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from webapp import access, serializers, submission
from webapp.api.acceptance import accept, validated
from webapp.api.requests import MAX_KEY_LENGTH, Body, checked_key, sent_body
from webapp.problem_types import NOT_TRIED
from webapp.problems import as_problem, database_problem
from webapp.representations import BatchAnswer, BatchResult, json_response
from webapp.services import services

MAX_THOUGHTS: Final = 100

MAX_SECONDS: Final = 20.0
"""No further thought is begun after this; a slow PostgreSQL could hold the request for minutes."""


class BatchedThought(Body):
    """One thought of a batch."""

    text: str = Field(description="As in a request of its own; an invalid text gets a result with status 422.")
    reuse: StrictBool = Field(True, description="Whether the results of an equal thought may be copied.")
    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)] | None = Field(
        None, description="As the header Idempotency-Key. Without one, a repeat stores the thought again."
    )


class NewBatch(Body):
    """The body of the request: the thoughts of one author, in their order."""

    thoughts: list[BatchedThought] = Field(min_length=1, max_length=MAX_THOUGHTS)
    user_id: UUID | None = Field(None, description="The author. Without it, the one who sends the request.")


def create_batch() -> Response:
    """Accept the thoughts and return one result for each."""
    body = sent_body(NewBatch, "thoughts")
    user_id = access.require_author(body.user_id)
    message, ends_at = submission.status_message(services()), time.monotonic() + MAX_SECONDS
    results: list[BatchResult] = []
    is_stopped = False
    for thought in body.thoughts:
        is_stopped = is_stopped or time.monotonic() > ends_at
        result = _not_tried() if is_stopped else _accept(user_id, thought, message)
        is_stopped = result.status == NOT_TRIED.status
        results.append(result)
    return json_response(BatchAnswer(results=results))


def _accept(user_id: UUID, thought: BatchedThought, message: str) -> BatchResult:
    try:
        key = None if thought.idempotency_key is None else checked_key(thought.idempotency_key)
        thought_id = accept(user_id, validated(thought.text), key, fresh=not thought.reuse)
    except HTTPException as error:
        return _refused(error)
    except SQLAlchemyError as error:
        return _refused(database_problem(error))
    return BatchResult(status=201, thought=serializers.accepted(user_id, thought_id, message))


def _not_tried() -> BatchResult:
    return _refused(NOT_TRIED.error("A thought before this one could not be stored. Send this one again after it."))


def _refused(error: HTTPException) -> BatchResult:
    described = as_problem(error)
    return BatchResult(status=described.status, problem=described)
