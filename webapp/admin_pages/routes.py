"""The routes of the administrators' pages. Their rule in `webapp.access_rules` admits only administrators."""

import logging
from uuid import UUID

from flask import Blueprint, make_response, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Field, Form, TextAreaField, ValidationError

from contracts.visible_text import is_visible
from webapp import csrf, identity
from webapp.accounts.sign_ins import SignedIn
from webapp.admin_pages import figures
from webapp.admin_pages.reveals import can_reveal, reveal
from webapp.event_recording import client_address
from webapp.page_form import PageForm
from webapp.services import services

log = logging.getLogger(__name__)

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

MIN_REASON_LENGTH = 10
MAX_REASON_LENGTH = 500


def _is_reason(_: Form, field: Field) -> None:
    written = field.data or ""
    if sum(map(is_visible, written)) < MIN_REASON_LENGTH:
        raise ValidationError(
            f"Say why, in at least {MIN_REASON_LENGTH} characters: the author of the thought reads it."
        )
    if len(written) > MAX_REASON_LENGTH:
        raise ValidationError(f"Say it in at most {MAX_REASON_LENGTH} characters.")


class RevealForm(PageForm):
    """Why an administrator must read a text."""

    reason = TextAreaField("Reason", [_is_reason])


@blueprint.get("")
def overview() -> BaseResponse:
    """Show the figures and a page of the open dead letters."""
    database = services().database
    letters, following = figures.open_dead_letters(database, request.args.get("cursor") or None)
    context = {
        "thoughts": figures.thoughts_by_status(database),
        "users": figures.user_counts(database),
        "backlog": services().readiness.backlog().value,
        "letters": letters,
        "next_cursor": following,
        "is_first_page": not request.args.get("cursor"),
    }
    return make_response(render_template("admin.html", **context))


@blueprint.route("/thoughts/<uuid:thought_id>/reveal", methods=["GET", "POST"])
@csrf.form_checks_token
def reveal_text(thought_id: UUID) -> BaseResponse:
    """Ask for a reason, write it into the security logs of author and administrator, and show the text once."""
    form, database = RevealForm(), services().database
    if not form.validate_on_submit():
        if not can_reveal(database, thought_id):
            raise NotFound("This thought does not exist, or it was deleted.")
        is_outdated = bool(form.csrf_token.errors)
        error = csrf.RESEND if is_outdated else None
        context = {"form": form, "thought_id": thought_id, "max_length": MAX_REASON_LENGTH, "error": error}
        page = render_template("admin_reveal.html", **context)
        return make_response(page, 403 if is_outdated else 422 if form.errors else 200)
    administrator = _administrator()
    reason, address = form.reason.data.strip(), client_address()
    revealed = reveal(database, thought_id, administrator.user_id, reason, address)
    if revealed is None:
        raise NotFound("This thought does not exist, or it was deleted.")
    ids = {"thought_id": thought_id, "user_id": revealed.user_id, "administrator": administrator.user_id}
    log.warning("An administrator reads the text of a thought, and its author's security log says so", extra=ids)
    return make_response(render_template("admin_text.html", revealed=revealed, thought_id=thought_id, reason=reason))


def _administrator() -> SignedIn:
    """Return the account that `webapp.access_check` let through. Raises NotFound."""
    account = identity.signed_in()
    if account is None:
        raise NotFound
    return account
