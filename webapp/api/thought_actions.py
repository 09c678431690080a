"""Retries and cancels a thought for its author: JSON for programs, forms of the thought's page for people."""

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from webapp import access, cancellation, retrying, serializers
from webapp.cancellation import CancelOutcome
from webapp.memory import memory_of
from webapp.operations import Answer, Operation, described
from webapp.problem_types import ALREADY_ENDED, CONFLICT, NOT_FOUND, NOT_RETRIABLE, ProblemType
from webapp.problems import FORM_TYPES
from webapp.queries import Thought
from webapp.representations import Thought as ThoughtAnswer
from webapp.representations import json_response
from webapp.retrying import RetryOutcome
from webapp.services import services

_UNREAD: Final = Answer("It is done. The token lacks the scope `read`, so the answer holds nothing of the thought.")

blueprint = Blueprint("thought_actions", __name__)

RETRY_CONFLICTS: Final = {
    RetryOutcome.NOT_FAILED: "Only a failed or cancelled thought can be retried, and this one is {status}.",
    RetryOutcome.NO_DEAD_LETTER: (
        "This thought cannot be retried, because the record of its failure is missing. Submit its text again, or tell "
        "the operator of this site."
    ),
}
CANCEL_CONFLICTS: Final = {
    CancelOutcome.ENDED: (ALREADY_ENDED, "This thought had already ended, so nothing was cancelled."),
    CancelOutcome.MOVED_ON: (
        CONFLICT, "This thought was retried at the same moment. Cancel it again if you still want to.",
    ),
}  # fmt: skip

_RETRY: Final = Operation(
    id="retryThought",
    tag="Thoughts",
    summary="Retry a failed or cancelled thought",
    description=(
        "Gives the thought a new turn, at the end of its author's line. The analysis goes on at the step that failed; "
        "the results before it are kept and cost nothing again. Repeating the request changes nothing."
    ),
    answers={200: Answer("The thought, as it is now.", ThoughtAnswer), 204: _UNREAD},
    problems=(NOT_FOUND, NOT_RETRIABLE),
)

_CANCEL: Final = Operation(
    id="cancelThought",
    tag="Thoughts",
    summary="Cancel the analysis of a thought",
    description=(
        "The thought fails with the kind `cancelled`, and keeps the results that it has. A step that is being computed "
        "may still be paid; its result is dropped. Repeating the request changes nothing."
    ),
    answers={200: Answer("The thought, as it is now.", ThoughtAnswer), 204: _UNREAD},
    problems=(NOT_FOUND, ALREADY_ENDED, CONFLICT),
)


@blueprint.post("/thoughts/<uuid:thought_id>/retry")
@described(_RETRY)
def retry(thought_id: UUID) -> Response:
    """Give a failed thought a new turn, from the failed step, with its saved results. Repeating it changes nothing."""
    thought = access.require_readable(thought_id)
    outcome = _retry(thought)
    if outcome in RETRY_CONFLICTS:
        return _refused(thought_id, NOT_RETRIABLE, RETRY_CONFLICTS[outcome].format(status=thought.row.status))
    return _done(thought_id, "The analysis was resumed at the step where it ended.")


@blueprint.post("/thoughts/<uuid:thought_id>/cancel")
@described(_CANCEL)
def cancel(thought_id: UUID) -> Response:
    """End the analysis of a thought that has not ended. Repeating it changes nothing."""
    row = access.require_readable(thought_id).row
    result = cancellation.cancel(services().database, services().settings, row.user_id, thought_id, row.turn)
    if result.event is not None:
        services().background_publisher.publish(result.event, terminal=True)
    if result.outcome in CANCEL_CONFLICTS:
        return _refused(thought_id, *CANCEL_CONFLICTS[result.outcome])
    return _done(thought_id, "The analysis was cancelled.")


def _retry(thought: Thought) -> RetryOutcome:
    failed_turn = thought.row.turn if thought.row.status == "failed" else None
    return retrying.retry(services().database, services().settings, thought.row.id, failed_turn)


def _done(thought_id: UUID, notice: str) -> Response:
    """Return the thought as it is now: its page with the notice, or its JSON; nothing of it for a token that may not
    read.
    """
    if request.mimetype in FORM_TYPES:
        return _to_page(thought_id, notice)
    if not access.may_read():
        return Response(status=204)
    thought = access.require_readable(thought_id)
    return json_response(serializers.thought(thought, memory_of(services().database, thought)))


def _refused(thought_id: UUID, problem: ProblemType, reason: str) -> Response:
    """Return the page of the thought with the reason, because it shows what happened instead. Raises the problem."""
    if request.mimetype in FORM_TYPES:
        return _to_page(thought_id, reason)
    raise problem.error(reason)


def _to_page(thought_id: UUID, notice: str) -> Response:
    flash(notice)
    return redirect(url_for("pages.thought", thought_id=thought_id), 303)
