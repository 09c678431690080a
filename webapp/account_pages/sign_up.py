"""The pages to create an account. Where the site sends mail, the address is confirmed first, and the answer is the same
for every address. Where it sends none, the page must say that an address has an account: there is no other way to tell
its owner, and the limits of requests keep others from trying many.
"""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages import mailed_links
from webapp.account_pages.forms import AddressForm, NewPasswordForm, SignUpForm, normal_email
from webapp.account_pages.support import render
from webapp.accounts import passwords, store
from webapp.event_recording import record
from webapp.services import services

blueprint = Blueprint("sign_up", __name__)

TAKEN = "An account has this address. Sign in instead."


@blueprint.route("/sign-up", methods=["GET", "POST"])
@csrf.form_checks_token
def ask() -> BaseResponse:
    """Make the browser's anonymous user an account, which keeps its thoughts; or mail the link that does."""
    _require_no_account()
    sends_mail = services().settings.sends_mail
    form = AddressForm() if sends_mail else SignUpForm()
    if not form.validate_on_submit():
        return render("sign_up.html", form, sends_mail=sends_mail)
    email = normal_email(form.email.data)
    if sends_mail:
        mailed_links.mail_sign_up(email)
        return Response(render_template("sign_up_sent.html", email=email))
    if not _create_account(email, form):
        form.email.errors = [TAKEN]
        return render("sign_up.html", form, sends_mail=sends_mail)
    return redirect(url_for("pages.home"), 303)


@blueprint.route("/sign-up/<token>", methods=["GET", "POST"])
@csrf.form_checks_token
def confirm(token: str) -> BaseResponse:
    """Choose the password of a new account whose address was confirmed by opening this page."""
    _require_no_account()
    email, form = mailed_links.sign_up_email(token), NewPasswordForm()
    form.owner_email = email
    if not form.validate_on_submit():
        return render("choose_password.html", form, email=email)
    if not _create_account(email, form):
        form.password.errors = [TAKEN]
        return render("choose_password.html", form, email=email)
    return redirect(url_for("pages.home"), 303)


def _require_no_account() -> None:
    """Send a browser that is signed in to its account: only an anonymous user becomes an account."""
    if identity.signed_in() is not None:
        flash("You are signed in. Sign out to create another account.")
        raise HTTPException(response=redirect(url_for("account.show"), 303))


def _create_account(email: str, form: FlaskForm) -> bool:
    """Create the account and sign the browser in; return False when an account has the address."""
    user_id, password_hash = identity.ensure_user(), passwords.hash_password(form.password.data)
    if not _create(user_id, email, password_hash):
        return False
    record("account-created", user_id)
    identity.begin_sign_in(user_id, password_hash)
    flash("Your account is ready. Your thoughts are in it.")
    return True


def _create(user_id: UUID, email: str, password_hash: str) -> bool:
    try:
        return store.create(services().database, user_id, email, password_hash)
    except IntegrityError:  # another sign-up took the address at this moment
        return False
