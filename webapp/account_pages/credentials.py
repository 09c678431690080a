"""The pages to change the password and the e-mail address. Both ask for the present password."""

from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages.forms import EmailForm, PasswordForm, normal_email
from webapp.account_pages.support import confirm_password, record, render, require_account
from webapp.accounts import credentials, passwords
from webapp.services import services

blueprint = Blueprint("credentials", __name__)

TAKEN = "Another account has this address."
CHANGED_MEANWHILE = "Your account was changed in another browser at this moment. Try again."


@blueprint.route("/password", methods=["GET", "POST"])
@csrf.form_checks_token
def password() -> BaseResponse:
    """Change the password, and sign all other browsers out."""
    account, form = require_account(), PasswordForm()
    if not form.validate_on_submit() or (found := confirm_password(form, account)) is None:
        return render("password.html", form)
    new_hash = passwords.hash_password(form.password.data)
    if not credentials.change_password(services().database, found, new_hash):
        form.present.errors = [CHANGED_MEANWHILE]
        return render("password.html", form)
    record("password-changed", account)
    identity.begin_sign_in(account.user_id)
    flash("Your password was changed. All other browsers were signed out.")
    return redirect(url_for("account.show"), 303)


@blueprint.route("/email", methods=["GET", "POST"])
@csrf.form_checks_token
def email() -> BaseResponse:
    """Change the e-mail address, and sign all other browsers out."""
    account, form = require_account(), EmailForm()
    if not form.validate_on_submit() or (found := confirm_password(form, account)) is None:
        return render("email.html", form)
    if not change_email(account.user_id, found.email, normal_email(form.email.data)):
        form.email.errors = [TAKEN]
        return render("email.html", form)
    record("email-changed", account)
    identity.begin_sign_in(account.user_id)
    flash("Your e-mail address was changed. All other browsers were signed out.")
    return redirect(url_for("account.show"), 303)


def change_email(user_id: UUID, present: str, new: str) -> bool:
    """Replace the address; return False when another account has it. Raises SQLAlchemyError."""
    try:
        return credentials.change_email(services().database, user_id, present, new)
    except IntegrityError:  # another account takes the address at this moment
        return False
