"""The routes of an account."""

from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from webapp import identity
from webapp.account_pages.event_recording import record_failed_sign_in
from webapp.account_pages.forms import SignInForm, SignUpForm, normal_email
from webapp.accounts import passwords, security_events, sign_ins, store
from webapp.services import services

blueprint = Blueprint("account", __name__, url_prefix="/account")

WRONG = "This e-mail address and password do not belong together."


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> BaseResponse:
    """Make the browser's anonymous user an account, which keeps its thoughts."""
    form = SignUpForm()
    if not form.validate_on_submit():
        return _render("sign_up.html", form)
    email, user_id = normal_email(form.email.data), identity.ensure_user()
    password_hash = passwords.hash_password(form.password.data)
    if not _create(user_id, email, password_hash):
        form.email.errors = ["An account has this address. Sign in instead."]
        return _render("sign_up.html", form)
    security_events.record(services().database, "account-created", user_id, request.remote_addr or "")
    identity.begin_sign_in(user_id)
    flash("Your account is ready. Your thoughts are in it.")
    return redirect(url_for("pages.home"), 303)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> BaseResponse:
    """Sign in with e-mail and password."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _render("sign_in.html", form)
    account = store.find_by_email(services().database, form.email.data.strip())
    if not passwords.is_correct(form.password.data, account.password_hash if account else None) or account is None:
        form.password.errors = [WRONG]
        response = _render("sign_in.html", form)
        return response if account is None else record_failed_sign_in(response, account.user_id)
    security_events.record(
        services().database, "signed-in", account.user_id, request.remote_addr or "", method="password"
    )
    identity.begin_sign_in(account.user_id)
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/")
def show() -> BaseResponse:
    """Show the account."""
    account = identity.signed_in()
    if account is None:
        return redirect(url_for("account.sign_in"), 303)
    return make_response(render_template("account.html", account=account, form=FlaskForm()))


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Sign this browser out."""
    if (account := identity.signed_in()) is not None:
        security_events.record(services().database, "signed-out", account.user_id, request.remote_addr or "")
    identity.end_sign_in()
    flash("You are signed out.")
    return redirect(url_for("pages.home"), 303)


@blueprint.post("/sign-out-everywhere")
def sign_out_everywhere() -> BaseResponse:
    """End all sign-ins of the account."""
    if (account := identity.signed_in()) is not None:
        security_events.record(services().database, "signed-out-everywhere", account.user_id, request.remote_addr or "")
        sign_ins.end_all(services().database, account.user_id)
    identity.end_sign_in()
    flash("You are signed out on all devices.")
    return redirect(url_for("pages.home"), 303)


def _create(user_id: UUID, email: str, password_hash: str) -> bool:
    try:
        return store.create(services().database, user_id, email, password_hash)
    except IntegrityError:  # another sign-up took the address at this moment
        return False


def _render(template: str, form: FlaskForm) -> Response:
    return make_response(render_template(template, form=form), 422 if form.errors else 200)
