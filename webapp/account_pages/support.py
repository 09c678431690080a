"""What the pages of an account share: who is signed in, where a person goes next, and how a form is shown again."""

from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import HTTPException

from webapp import access_check, csrf, identity, refusal_log
from webapp.accounts import passwords, store
from webapp.accounts.credentials import find
from webapp.accounts.sign_ins import SignedIn
from webapp.event_recording import record
from webapp.services import services

NOT_PRESENT: Final = "This is not your current password."


def require_account() -> SignedIn:
    """Return the account that is signed in. Otherwise the browser is sent to the sign-in, and then back to the page."""
    if (account := identity.signed_in()) is None:
        raise HTTPException(response=access_check.way_to_sign_in())
    return account


def own_path(written: str | None) -> str | None:
    """Return a path of this site, or None for anything that could lead to another one.

    Browsers read a backslash as a slash and leave out tabs and line ends, so that `/\\evil.example` is another site.
    """
    if not written or not written.startswith("/") or written.startswith("//") or len(written) > 2000:
        return None
    if "\\" in written or not written.isprintable():
        return None
    try:
        parts = urlsplit(written)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else written


def next_page() -> str:
    """Return the page that the person wanted before the sign-in, or the first one."""
    return own_path(request.args.get("next")) or url_for("pages.home")


def render(template: str, form: FlaskForm, **context: Any) -> Response:
    """Return a form's page with what a person wrote, except passwords: with 422 when a field is wrong.

    With 403 when the form is outdated; what is shown then has a fresh token and can be sent again.
    """
    is_outdated = bool(form.csrf_token.errors)
    error = csrf.RESEND if is_outdated else None
    if is_outdated:
        refusal_log.note(csrf.NOT_ITS_FORM)
    page = render_template(template, form=form, error=error, **context)
    return make_response(page, 403 if is_outdated else 422 if form.errors else 200)


def confirm_password(form: FlaskForm, account: SignedIn) -> store.Account | None:
    """Return the account when the form's field `present` holds its password; otherwise mark the field.

    A wrong one is in the security log: somebody may sit at a browser that was left open.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    found = find(services().database, account.user_id)
    if passwords.is_correct(form.present.data, found.password_hash if found else None):
        return found
    if found is not None:
        record("password-check-failed", found.user_id)
    form.present.errors = [NOT_PRESENT]
    return None
