"""The pages to export one's data, and to delete the account."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages.forms import DeletionForm
from webapp.account_pages.support import confirm_password, render, require_account
from webapp.accounts.account_deletion import UnfinishedDeletionError, delete_account
from webapp.accounts.sign_ins import SignedIn
from webapp.export.file import export_file
from webapp.problem_types import CONFLICT
from webapp.services import services

blueprint = Blueprint("personal_data", __name__)


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
