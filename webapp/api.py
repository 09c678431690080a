"""The JSON API: submit a thought, show one, delete one, list a user's, and sum what they used."""

import re
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, Forbidden, Gone, UnprocessableEntity, UnsupportedMediaType
from werkzeug.wrappers import Response as BaseResponse

from contracts.text import thought_text
from webapp import access, cursors, deletion, serializers, submission
from webapp.csrf import RESEND, OutdatedFormError
from webapp.erased_quotes import erase_quotes
from webapp.ids import form_key, keyed_id, new_id
from webapp.memory import FoundThoughts, memories_of, memory_of
from webapp.pages.routes import rerender_form
from webapp.problems import FORM_TYPES, database_problem, error_response
from webapp.queries import page_of_thoughts
from webapp.search import find_similar
from webapp.serializers import json_response
from webapp.services import services
from webapp.usage import usage_per_day

blueprint = Blueprint("thoughts", __name__)

STATUSES = frozenset({"pending", "processing", "completed", "failed"})
MAX_KEY_LENGTH = 255
DEFAULT_LIMIT = 20
MAX_LIMIT = 100
DEFAULT_DAYS = 30
MAX_DAYS = 366
NUMBER_PATTERN = re.compile("[0-9]{1,3}")


class NewThought(BaseModel):
    """The body of a POST. Unknown members are rejected: a misspelt `user_id` would store it for the wrong user."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str
    user_id: UUID | None = None
    reuse: StrictBool = True
    """Whether the results of an equal thought may be copied."""


@blueprint.post("/thoughts")
def create() -> BaseResponse:
    """Accept a thought from JSON (201) or from the form (303 to its page)."""
    if request.is_json:
        return _create_from_json()
    if request.mimetype in FORM_TYPES:
        return _create_from_form()
    raise UnsupportedMediaType("Send the thought as application/json, or as the fields of a form.")


@blueprint.get("/thoughts/<uuid:thought_id>")
def show(thought_id: UUID) -> Response:
    """Return one thought with its agents, and what it has to do with earlier thoughts."""
    thought = access.require_readable(thought_id)
    return json_response(serializers.thought(thought, memory_of(services().database, thought)))


@blueprint.delete("/thoughts/<uuid:thought_id>")
def delete(thought_id: UUID) -> Response:
    """Delete a thought permanently; deleting it again changes nothing."""
    _delete(thought_id)
    return Response(status=204)


@blueprint.post("/thoughts/<uuid:thought_id>/delete")
def delete_by_form(thought_id: UUID) -> BaseResponse:
    """Delete a thought from the page, because HTML forms cannot send DELETE."""
    _delete(thought_id)
    flash("Your thought was deleted, together with everything the agents found.")
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/thoughts")
def listing() -> Response:
    """Return one page of a user's thoughts, the latest first. An empty parameter counts as absent, except `similar_to`.

    Without `user_id` these are the thoughts of the cookie's user. With `similar_to` they are those whose meaning is
    closest to this text, the closest first; their pages take the text again, with the cursor.
    """
    if "similar_to" in request.args:
        return _similar_listing(request.args["similar_to"])
    limit = _requested_number("limit", DEFAULT_LIMIT, MAX_LIMIT)
    status, after = _requested_status(), cursors.requested_cursor()
    user_id = access.requested_reader()
    if user_id is None:
        return json_response({"items": [], "next": None})
    thoughts, next_position = page_of_thoughts(services().database, user_id, limit=limit, status=status, after=after)
    items = serializers.thoughts(thoughts, memories_of(services().database, thoughts))
    return json_response({"items": items, "next": next_position and cursors.encode(next_position)})


@blueprint.get("/usage")
def usage() -> Response:
    """Return what the results of a user's thoughts used, in all and per day in UTC, today and the days before.

    Without `user_id` these are the thoughts of the cookie's user.
    """
    days, user_id = _requested_number("days", DEFAULT_DAYS, MAX_DAYS), access.requested_reader()
    figures = usage_per_day(services().database, user_id, days)
    return json_response({"user_id": user_id and str(user_id)} | figures.to_json())


def _similar_listing(query: str) -> Response:
    limit, after = _requested_number("limit", DEFAULT_LIMIT, MAX_LIMIT), cursors.requested_search_cursor()
    user_id = access.requested_reader()
    if request.args.get("status"):
        raise UnprocessableEntity("status: cannot be combined with similar_to.")
    found = find_similar(services(), user_id, query, limit, after) if user_id else FoundThoughts(())
    thoughts = [thought for thought, _ in found.items]
    described = serializers.thoughts(thoughts, memories_of(services().database, thoughts))
    items = [item | {"similarity": similarity} for item, (_, similarity) in zip(described, found.items, strict=True)]
    return json_response({"items": items, "next": found.next and cursors.encode_search(found.next)})


def _create_from_json() -> BaseResponse:
    body = _parse_body()
    text = _validated_text(body.text)
    user_id = access.require_author(body.user_id)
    thought_id = _submit(user_id, text, _idempotency_key(), fresh=not body.reuse)
    accepted = serializers.accepted(user_id, thought_id, submission.status_message(services()))
    response = json_response(accepted, 201)
    response.headers["Location"] = accepted["links"]["self"]
    return response


@blueprint.errorhandler(OutdatedFormError)
def show_form_again(error: OutdatedFormError) -> Response:
    """Return a refused form with its text and a fresh token, so that no person loses theirs."""
    if request.endpoint != "thoughts.create":
        return error_response(error)
    written, nonce = _written_form()
    return rerender_form(written, Forbidden(RESEND), nonce)


def _written_form() -> tuple[str, str]:
    """Return the text and the nonce of a form. Browsers send CRLF; a line end is one character."""
    return request.form.get("text", "").replace("\r\n", "\n"), request.form.get("nonce", "")[:MAX_KEY_LENGTH]


def _create_from_form() -> BaseResponse:
    """Submit the form's text. Every error is answered with the form and its text, so that no person loses theirs."""
    written, nonce = _written_form()
    try:
        user_id = access.require_visitor()
        text = thought_text(written)
        thought_id = _thought_id(user_id, _idempotency_key() or (form_key(nonce, text) if nonce else None))
        submission.submit(services(), user_id, thought_id, text, fresh=request.form.get("fresh") == "1")
    except Forbidden as error:
        return rerender_form(written, error, nonce)
    except submission.ThoughtDeletedError:
        return rerender_form(written, Gone("You deleted this thought before. Send it again to store it as a new one."))
    except ValueError as error:
        return rerender_form(written, UnprocessableEntity(f"Could not save your thought: {error}."))
    except SQLAlchemyError as error:
        return rerender_form(written, database_problem(error), nonce)
    return redirect(url_for("pages.thought", thought_id=thought_id), 303)


def _submit(user_id: UUID, text: str, key: str | None, *, fresh: bool) -> UUID:
    thought_id = _thought_id(user_id, key)
    try:
        submission.submit(services(), user_id, thought_id, text, fresh=fresh)
    except submission.ThoughtDeletedError:
        raise Gone("The thought of this Idempotency-Key was deleted. Send a new key to submit it again.") from None
    except submission.KeyReusedError:
        raise UnprocessableEntity(
            "This Idempotency-Key was used before for another text. Send a new key with each new text."
        ) from None
    return thought_id


def _thought_id(user_id: UUID, key: str | None) -> UUID:
    return keyed_id(user_id, key) if key else new_id()


def _delete(thought_id: UUID) -> None:
    owner = access.require_deletable(thought_id)
    deletion.delete(services().database, thought_id)
    erase_quotes(services().database, thought_id)
    services().background_publisher.delete_history(owner)


def _parse_body() -> NewThought:
    try:
        return NewThought.model_validate_json(request.get_data())
    except ValidationError as invalid:
        error = invalid.errors()[0]
        if error["type"] == "json_invalid":
            raise BadRequest(f"The body is not valid JSON: {error['msg']}.") from None
        field = ".".join(str(part) for part in error["loc"]) or "the body"
        raise UnprocessableEntity(f"{field}: {error['msg']}.") from None


def _validated_text(written: str) -> str:
    try:
        return thought_text(written)
    except ValueError as error:
        raise UnprocessableEntity(f"text: {error}.") from None


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise BadRequest(f"Idempotency-Key: send 1 to {MAX_KEY_LENGTH} printable characters.")
    return key


def _requested_number(name: str, default: int, maximum: int) -> int:
    value = request.args.get(name) or str(default)
    number = int(value) if NUMBER_PATTERN.fullmatch(value) else 0
    if not 1 <= number <= maximum:
        raise UnprocessableEntity(f"{name}: send a number from 1 to {maximum}.")
    return number


def _requested_status() -> str | None:
    status = request.args.get("status") or None
    if status not in STATUSES | {None}:
        raise UnprocessableEntity(f"status: send one of {', '.join(sorted(STATUSES))}.")
    return status
