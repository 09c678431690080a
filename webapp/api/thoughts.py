"""The JSON calls of thoughts: submit one or many, show one, delete one, and list a user's."""

import logging
from uuid import UUID

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from contracts.database import database_trouble
from contracts.trouble_log import log_trouble
from webapp import access, cursors, serializers, submission
from webapp.api import batch, forms, usage, waiting
from webapp.api import describe_thoughts as calls
from webapp.api.acceptance import accept, validated
from webapp.api.deletion import delete as delete_thought
from webapp.api.etags import not_modified, tag_of, tagged, tagged_by_content
from webapp.api.paging import page_response
from webapp.api.parameters import ListQuery, NewThought
from webapp.api.requests import idempotency_key, parsed_body, requested
from webapp.csrf import OutdatedFormError
from webapp.memory import FoundThoughts, memories_of, memory_of
from webapp.operations import described
from webapp.problem_types import INVALID_VALUE, UNSUPPORTED_MEDIA_TYPE
from webapp.problems import FORM_TYPES
from webapp.queries import find_thought, page_of_thoughts
from webapp.representations import AcceptedThought, json_response
from webapp.search import find_similar, require_searchable
from webapp.services import services
from webapp.versions import version_of_page

log = logging.getLogger(__name__)

blueprint = Blueprint("thoughts", __name__)
blueprint.register_error_handler(OutdatedFormError, forms.show_again)
blueprint.add_url_rule("/usage", view_func=usage.usage)


@blueprint.post("/thoughts")
@described(calls.CREATE)
def create() -> BaseResponse:
    """Accept a thought from JSON (201) or from the form (303 to its page)."""
    if request.is_json:
        return _create_from_json()
    if request.mimetype in FORM_TYPES:
        return forms.create_from_form()
    raise UNSUPPORTED_MEDIA_TYPE.error("Send the thought as application/json, or as the fields of a form.")


@blueprint.post("/thoughts:batch")
@described(calls.CREATE_BATCH)
def create_batch() -> Response:
    """Accept up to a hundred thoughts, each on its own."""
    return batch.create_batch()


@blueprint.get("/thoughts/<uuid:thought_id>")
@described(calls.SHOW)
def show(thought_id: UUID) -> Response:
    """Return one thought with its agents, and what it has to do with earlier thoughts."""
    tag = tag_of(access.require_readable_version(thought_id))
    if (unchanged := not_modified(tag)) is not None:
        return unchanged
    thought = access.require_readable(thought_id)
    return tagged(json_response(serializers.thought(thought, memory_of(services().database, thought))), tag)


@blueprint.delete("/thoughts/<uuid:thought_id>")
@described(calls.DELETE)
def delete(thought_id: UUID) -> Response:
    """Delete a thought permanently; deleting it again changes nothing."""
    delete_thought(thought_id)
    return Response(status=204)


@blueprint.post("/thoughts/<uuid:thought_id>/delete")
def delete_by_form(thought_id: UUID) -> BaseResponse:
    """Delete a thought from the page, because HTML forms cannot send DELETE."""
    return forms.delete_from_form(thought_id)


@blueprint.get("/thoughts")
@described(calls.LIST)
def listing() -> Response:
    """Return one page of a user's thoughts, the latest first. An empty parameter counts as absent, except `similar_to`.

    Without `user_id` these are the thoughts of the cookie's user. With `similar_to` they are those whose meaning is
    closest to this text, the closest first; their pages take the text again, with the cursor.
    """
    query = requested(ListQuery)
    if query.similar_to is not None:
        return _similar_listing(query, query.similar_to)
    after = cursors.requested_cursor()
    user_id = access.requested_reader()
    if user_id is None:
        return tagged_by_content(page_response([], None))
    database = services().database
    tag = tag_of(str(user_id), version_of_page(database, user_id, limit=query.limit, status=query.status, after=after))
    if (unchanged := not_modified(tag)) is not None:
        return unchanged
    thoughts, next_position = page_of_thoughts(database, user_id, limit=query.limit, status=query.status, after=after)
    items = serializers.listed(thoughts, memories_of(database, thoughts))
    return tagged(page_response(items, next_position and cursors.encode(next_position)), tag)


def _similar_listing(query: ListQuery, text: str) -> Response:
    require_searchable(text)
    after, user_id = cursors.requested_search_cursor(), access.requested_reader()
    if query.status:
        raise INVALID_VALUE.error("status: cannot be combined with similar_to.")
    found = find_similar(services(), user_id, text, query.limit, after) if user_id else FoundThoughts(())
    thoughts = [thought for thought, _ in found.items]
    similarities = [similarity for _, similarity in found.items]
    items = serializers.listed(thoughts, memories_of(services().database, thoughts), similarities)
    return tagged_by_content(page_response(items, found.next and cursors.encode_search(found.next)))


def _create_from_json() -> BaseResponse:
    body, seconds = parsed_body(NewThought), waiting.requested_seconds()
    text = validated(body.text)
    user_id = access.require_author(body.user_id)
    thought_id = accept(user_id, text, idempotency_key(), fresh=not body.reuse)
    accepted = serializers.accepted(user_id, thought_id, submission.status_message(services()))
    has_waited = seconds > 0 and waiting.wait_for_end(services(), user_id, thought_id, seconds)
    response = json_response(_awaited(accepted) if has_waited else accepted, 201)
    response.headers["Location"] = accepted.links.self
    if has_waited:
        response.headers["Preference-Applied"] = f"wait={seconds}"
    return response


def _awaited(accepted: AcceptedThought) -> AcceptedThought:
    """Add the thought, as far as it is now; only its status and message for a token without the scope `read`.

    Nothing is added when it was deleted, or when PostgreSQL is unavailable.
    """
    try:
        thought = find_thought(services().database, accepted.id)
        if thought is None:
            return accepted
        status = thought.row.status
        as_now = {"status": status, "message": submission.ENDED_MESSAGES.get(status, accepted.message)}
        if not access.may_read():
            return accepted.model_copy(update=as_now)
        shown = serializers.thought(thought, memory_of(services().database, thought))
    except SQLAlchemyError as error:
        consequence = "an accepted thought is answered without its results"
        log_trouble(log, database_trouble(error), consequence, extra={"thought_id": accepted.id})
        return accepted
    return accepted.model_copy(update=as_now | {"thought": shown})
