"""The pages to change the password and the e-mail address. Both ask for the current password."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages import mailed_links, notices
from webapp.account_pages.forms import ConfirmationForm, EmailForm, PasswordForm, normal_email
from webapp.account_pages.support import confirm_password, render, require_account
from webapp.accounts import credentials, passwords
from webapp.accounts.sign_ins import SignedIn
from webapp.event_recording import record
from webapp.services import services

blueprint = Blueprint("credentials", __name__)

TAKEN = "Another account has this address."
CHANGED_MEANWHILE = "Your account was changed in another browser at this moment. Try again."


@blueprint.route("/password", methods=["GET", "POST"])
@csrf.form_checks_token
def password() -> BaseResponse:
    """Change the password, and sign all other browsers out."""
    account, form = require_account(), PasswordForm()
    form.owner_email = account.email
    if not form.validate_on_submit() or (found := confirm_password(form, account)) is None:
        return render("password.html", form, account=account)
    new_hash = passwords.hash_password(form.password.data)
    deletes_tokens = bool(form.delete_tokens.data)
    if not credentials.change_password(services().database, found, new_hash, deletes_tokens=deletes_tokens):
        form.present.errors = [CHANGED_MEANWHILE]
        return render("password.html", form, account=account)
    record("password-changed", account.user_id)
    notices.mail_changed_password(account.email)
    identity.begin_sign_in(account.user_id, new_hash)
    tokens = " All API tokens were deleted." if deletes_tokens else ""
    flash(f"Your password was changed. All other browsers were signed out.{tokens}")
    return redirect(url_for("account.show"), 303)


@blueprint.route("/email", methods=["GET", "POST"])
@csrf.form_checks_token
def email() -> BaseResponse:
    """Change the e-mail address, and sign all other browsers out."""
    account, form = require_account(), EmailForm()
    if not form.validate_on_submit() or (found := confirm_password(form, account)) is None:
        return render("email.html", form, account=account)
    new = normal_email(form.email.data)
    if services().settings.sends_mail:
        mailed_links.mail_new_email(str(account.user_id), found.email, new)
        return Response(render_template("email_sent.html", email=new))
    if not _change_email(account.user_id, found.email, new):
        form.email.errors = [TAKEN]
        return render("email.html", form, account=account)
    return _finish_change(account)


@blueprint.route("/email/<token>", methods=["GET", "POST"])
@csrf.form_checks_token
def confirm_email(token: str) -> BaseResponse:
    """Change the address to one that was confirmed by opening this page. The person presses a button, because programs
    that scan mails open links, too.
    """
    account, form = require_account(), ConfirmationForm()
    new = mailed_links.new_email(token, str(account.user_id), account.email)
    if not form.validate_on_submit():
        return render("email_confirm.html", form, email=new)
    if not _change_email(account.user_id, account.email, new):
        raise NotFound(TAKEN)
    notices.mail_changed_email(account.email)
    return _finish_change(account)


def _finish_change(account: SignedIn) -> BaseResponse:
    record("email-changed", account.user_id)
    identity.begin_sign_in(account.user_id, account.password_hash)
    flash("Your e-mail address was changed. All other browsers were signed out.")
    return redirect(url_for("account.show"), 303)


def _change_email(user_id: UUID, present: str, new: str) -> bool:
    """Replace the address; return False when another account has it. Raises SQLAlchemyError."""
    try:
        return credentials.change_email(services().database, user_id, present, new)
    except IntegrityError:  # another account takes the address at this moment
        return False
