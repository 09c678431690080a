"""The JSON calls: accept a thought, show one, delete one, list a user's."""

import json
import re
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, Forbidden, Gone, UnprocessableEntity, UnsupportedMediaType
from werkzeug.wrappers import Response as BaseResponse

from contracts.text import thought_text
from webapp import access, cursors, deletion, serializers, session, submission
from webapp.ids import form_key, keyed_id, new_id
from webapp.pages.routes import rerender_form
from webapp.problems import FORM_TYPES, database_problem
from webapp.queries import page_of_thoughts
from webapp.services import services

blueprint = Blueprint("thoughts", __name__)

STATUSES = frozenset({"pending", "processing", "completed", "failed"})
KEY_LENGTH = 255
DEFAULT_LIMIT = 20
MAX_LIMIT = 100
LIMIT_FORM = re.compile("[0-9]{1,3}")


class NewThought(BaseModel):
    """The body of a POST. Unknown members are refused: a misspelt `user_id` would give the thought to somebody else."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str
    user_id: UUID | None = None


@blueprint.post("/thoughts")
def create() -> BaseResponse:
    """Accept a thought from JSON (201) or from the form (303 to its page)."""
    if request.is_json:
        return _create_from_json()
    if request.mimetype in FORM_TYPES:
        return _create_from_form()
    raise UnsupportedMediaType("Send application/json, or the fields of a form.")


@blueprint.get("/thoughts/<uuid:thought_id>")
def show(thought_id: UUID) -> Response:
    """One thought with its five agents."""
    return _json(serializers.thought(access.require_readable(thought_id)))


@blueprint.delete("/thoughts/<uuid:thought_id>")
def delete(thought_id: UUID) -> Response:
    """Delete a thought for good; the same again changes nothing."""
    _delete(thought_id)
    return Response(status=204)


@blueprint.post("/thoughts/<uuid:thought_id>/delete")
def delete_by_form(thought_id: UUID) -> BaseResponse:
    """The same from the page: forms know no DELETE."""
    _delete(thought_id)
    flash("The thought is deleted, with everything the agents found.")
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/thoughts")
def listing() -> Response:
    """A user's thoughts, the latest first; without `user_id` the cookie's own. What is empty counts as not given."""
    limit, status, after = _limit(), _status(), cursors.requested_cursor()
    user_id = _requested_user()
    if user_id is None:
        return _json({"items": [], "next": None})
    shown, following = page_of_thoughts(services().database, user_id, limit=limit, status=status, after=after)
    items = [serializers.thought(thought) for thought in shown]
    return _json({"items": items, "next": following and cursors.encode(following)})


def _create_from_json() -> BaseResponse:
    body = _body()
    text = _text(body.text)
    user_id = _author(body.user_id)
    thought_id = _submit(user_id, text, _key())
    answer = serializers.accepted(user_id, thought_id, submission.status_message(services()))
    response = _json(answer, 201)
    response.headers["Location"] = answer["links"]["self"]
    return response


def _create_from_form() -> BaseResponse:
    """Whatever comes in between, the words of a person are answered with the form that still has them."""
    written = request.form.get("text", "").replace("\r\n", "\n")  # a browser's line ends, which are one character each
    nonce = request.form.get("nonce", "")[:KEY_LENGTH]
    user_id = session.ensure_visitor()
    try:
        text = thought_text(written)
        thought_id = _id(user_id, _key() or (form_key(nonce, text) if nonce else None))
        submission.submit(services(), user_id, thought_id, text)
    except submission.ThoughtDeletedError:
        return rerender_form(written, Gone("This was sent before, and deleted since. Send it again to write it anew."))
    except ValueError as refused:
        return rerender_form(written, UnprocessableEntity(f"That could not be taken: {refused}."))
    except SQLAlchemyError as error:
        return rerender_form(written, database_problem(error), nonce)
    return redirect(url_for("pages.thought", thought_id=thought_id), 303)


def _submit(user_id: UUID, text: str, key: str | None) -> UUID:
    thought_id = _id(user_id, key)
    try:
        submission.submit(services(), user_id, thought_id, text)
    except submission.ThoughtDeletedError as deleted:
        raise Gone(f"{str(deleted).capitalize()}. Send a new key to write it again.") from None
    except submission.KeyReusedError as reused:
        raise UnprocessableEntity(f"{str(reused).capitalize()}. Send a new key with a new text.") from None
    return thought_id


def _id(user_id: UUID, key: str | None) -> UUID:
    return keyed_id(user_id, key) if key else new_id()


def _delete(thought_id: UUID) -> None:
    owner = access.require_deletable(thought_id)
    deletion.delete(services().database, thought_id)
    services().background_publisher.delete_history(owner)


def _body() -> NewThought:
    try:
        return NewThought.model_validate_json(request.get_data())
    except ValidationError as invalid:
        first = invalid.errors()[0]
        if first["type"] == "json_invalid":
            raise BadRequest(f"The body is not JSON: {first['msg']}.") from None
        field = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UnprocessableEntity(f"{field}: {first['msg']}.") from None


def _text(written: str) -> str:
    try:
        return thought_text(written)
    except ValueError as refused:
        raise UnprocessableEntity(f"text: {refused}.") from None


def _author(named: UUID | None) -> UUID:
    """Whose thought this is. Raises Forbidden for a `user_id` that the asker may not write as."""
    if named is None:
        return session.ensure_visitor()
    if not access.may_act_for(named):
        raise Forbidden("user_id: this is not you. Leave it out to write as yourself.")
    return named


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= KEY_LENGTH and key.isprintable()):
        raise BadRequest(f"Idempotency-Key: send 1 to {KEY_LENGTH} printable characters.")
    return key


def _requested_user() -> UUID | None:
    asked = request.args.get("user_id")
    if not asked:
        return session.current_visitor()
    try:
        user_id = UUID(asked)
    except ValueError:
        raise UnprocessableEntity("user_id: this is not a UUID.") from None
    if not access.may_act_for(user_id):
        raise Forbidden("user_id: these are another user's thoughts.")
    return user_id


def _limit() -> int:
    asked = request.args.get("limit") or str(DEFAULT_LIMIT)
    limit = int(asked) if LIMIT_FORM.fullmatch(asked) else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise UnprocessableEntity(f"limit: send a number from 1 to {MAX_LIMIT}.")
    return limit


def _status() -> str | None:
    asked = request.args.get("status") or None
    if asked not in STATUSES | {None}:
        raise UnprocessableEntity(f"status: send one of {', '.join(sorted(STATUSES))}.")
    return asked


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, content_type="application/json")
