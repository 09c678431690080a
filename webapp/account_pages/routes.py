"""The pages of an account: sign in and out, and the account itself with its sign-ins."""

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from webapp import csrf, identity
from webapp.account_pages import credentials, personal_data, resets, sign_up, tokens
from webapp.account_pages.forms import SignInForm
from webapp.account_pages.joining import join_browser
from webapp.account_pages.support import next_page, render, require_account
from webapp.accounts import passwords, sign_ins, store
from webapp.accounts.credentials import replace_hash
from webapp.event_recording import record, record_failed_sign_in
from webapp.services import services

blueprint = Blueprint("account", __name__, url_prefix="/account")
blueprint.register_blueprint(sign_up.blueprint)
blueprint.register_blueprint(credentials.blueprint)
blueprint.register_blueprint(resets.blueprint)
blueprint.register_blueprint(personal_data.blueprint)
blueprint.register_blueprint(tokens.blueprint)

WRONG = "Wrong e-mail address or password."
CHANGED_MEANWHILE = "Your account was changed at this moment. Sign in again."


@blueprint.route("/sign-in", methods=["GET", "POST"])
@csrf.form_checks_token
def sign_in() -> BaseResponse:
    """Sign in with e-mail and password."""
    form = SignInForm()
    if not form.validate_on_submit():
        return render("sign_in.html", form)
    account = store.find_by_email(services().database, form.email.data.strip())
    if not passwords.is_correct(form.password.data, account.password_hash if account else None) or account is None:
        form.password.errors = [WRONG]
        return record_failed_sign_in(render("sign_in.html", form), account.user_id if account else None)
    verified_hash = account.password_hash
    if passwords.is_outdated(verified_hash):
        verified_hash = replace_hash(services().database, account, passwords.hash_password(form.password.data))
    record("signed-in", account.user_id, method="password")
    join_browser(account.user_id)
    if not identity.begin_sign_in(account.user_id, verified_hash):
        form.password.errors = [CHANGED_MEANWHILE]
        return render("sign_in.html", form)
    return redirect(next_page(), 303)


@blueprint.get("/")
def show() -> BaseResponse:
    """Show the account and where it is signed in."""
    account = require_account()
    others = sign_ins.sign_ins_of(services().database, account.user_id)
    return make_response(render_template("account.html", account=account, sign_ins=others))


@blueprint.post("/sign-ins/<uuid:sign_in_id>/end")
def end_sign_in(sign_in_id: UUID) -> BaseResponse:
    """End one sign-in of the account. The answer is the same when it is over, or is not one of the account."""
    user_id = require_account().user_id
    if sign_ins.end_one(services().database, user_id, sign_in_id):
        record("sign-in-ended", user_id)
    flash("The sign-in was ended.")
    return redirect(url_for("account.show"), 303)


@blueprint.post("/sign-out")
def sign_out() -> BaseResponse:
    """Sign this browser out."""
    if (account := identity.signed_in()) is not None:
        record("signed-out", account.user_id)
    identity.end_sign_in()
    flash("You are signed out.")
    return redirect(url_for("pages.home"), 303)


@blueprint.post("/sign-out-everywhere")
def sign_out_everywhere() -> BaseResponse:
    """End all sign-ins of the account."""
    if (account := identity.signed_in()) is not None:
        sign_ins.end_all(services().database, account.user_id)
        record("signed-out-everywhere", account.user_id)
    identity.end_sign_in()
    flash("You are signed out on all devices.")
    return redirect(url_for("pages.home"), 303)
