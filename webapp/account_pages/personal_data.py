"""The pages to export one's data, and to delete the account."""

from collections.abc import Iterator
from itertools import chain
from typing import Final, Literal
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages.export_data import find_export, json_parts
from webapp.account_pages.export_markdown import markdown_parts
from webapp.account_pages.forms import DeletionForm
from webapp.account_pages.support import confirm_password, render, require_account
from webapp.accounts.account_deletion import UnfinishedDeletionError, delete_account
from webapp.accounts.sign_ins import SignedIn
from webapp.event_recording import record
from webapp.problem_types import CONFLICT
from webapp.services import services

blueprint = Blueprint("personal_data", __name__)

Format = Literal["json", "markdown"]

_FORMATS: Final = {
    "json": ("application/json", "thoughts.json", json_parts),
    "markdown": ("text/markdown; charset=utf-8", "thoughts.md", markdown_parts),
}


@blueprint.get("/export")
def export_page() -> BaseResponse:
    """Offer the export, also to an anonymous user."""
    return Response(render_template("export.html"))


@blueprint.post("/export")
def export() -> BaseResponse:
    """Return everything that is stored about the person as one file. It is written while it is read."""
    if (answer := export_file(request.form.get("format", ""))) is None:
        flash("Nothing is stored about you yet.")
        return redirect(url_for("account.personal_data.export_page"), 303)
    return answer


def export_file(name_of_format: str) -> Response | None:
    """Return the file of the request's user, or None when nothing is stored.

    Raises UnprocessableEntity for an unknown format.
    """
    if (chosen := _FORMATS.get(name_of_format)) is None:
        raise UnprocessableEntity("format: choose json or markdown.")
    mimetype, file_name, parts_of = chosen
    user_id = identity.current_user()
    if user_id is None or (found := find_export(services().database, user_id)) is None:
        return None
    record("exported", user_id, format=name_of_format)
    response = Response(_begun(parts_of(found)), content_type=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@blueprint.route("/delete", methods=["GET", "POST"])
@csrf.form_checks_token
def delete() -> BaseResponse:
    """Delete the account with everything in it. Raises Conflict when it could not be closed and may be tried again."""
    account, form = require_account(), DeletionForm()
    if not form.validate_on_submit() or confirm_password(form, account) is None:
        return render("delete_account.html", form, account=account)
    for user_id in _delete(account):
        services().background_publisher.delete_history(user_id)
    identity.end_sign_in()
    flash("Your account was deleted, with everything in it.")
    return redirect(url_for("pages.home"), 303)


def _delete(account: SignedIn) -> list[UUID]:
    """Delete the account and return the users whose history must go too. Raises Conflict."""
    try:
        return delete_account(services().database, account.user_id, kept_sign_in=account.sign_in_id)
    except UnfinishedDeletionError as error:
        raise CONFLICT.error(str(error)) from None


def _begun(parts: Iterator[str]) -> Iterator[str]:
    """Read the first part at once: an outage then has an answer of its own, and not a file that is cut off."""
    return chain([next(parts)], parts)
