"""The pages to choose a new password with a link. They answer alike, and as fast, for a known and an unknown address:
whether an account has it is looked up by the thread that sends the mail.
"""

from email.message import EmailMessage
from functools import partial
from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from contracts.database import Database
from contracts.settings import Settings
from webapp import csrf, identity
from webapp.account_pages import notices
from webapp.account_pages.forms import AddressForm, NewPasswordForm, normal_email
from webapp.account_pages.support import render
from webapp.accounts import passwords, resets, security_events
from webapp.event_recording import client_address, record
from webapp.mailer import new_mail
from webapp.services import services

blueprint = Blueprint("resets", __name__)

BODY: Final = """Somebody, probably you, asked to choose a new password for the account with this address.

Open this link within an hour, and choose it:

{link}

The new password signs all browsers out, deletes all API tokens of the account and disables its webhooks, in case
somebody else used the account.

The link works once. If it was not you, ignore this mail: your password stays as it is.
"""


@blueprint.route("/forgotten", methods=["GET", "POST"])
@csrf.form_checks_token
def ask() -> BaseResponse:
    """Ask for a link."""
    form, sends_mail = AddressForm(), services().settings.sends_mail
    if not form.validate_on_submit():
        return render("forgotten.html", form, sends_mail=sends_mail)
    email = normal_email(form.email.data)
    if sends_mail:
        make = partial(make_mail, services().database, services().settings, email, client_address())
        services().mailer.send(make)
    return BaseResponse(
        render_template("forgotten_sent.html", email=email, sends_mail=sends_mail), mimetype="text/html"
    )


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@csrf.form_checks_token
def choose(token: str) -> BaseResponse:
    """Choose a new password. Opening the page does not use the link up, because programs that scan mails open it."""
    form, email = NewPasswordForm(), resets.find_email(services().database, token)
    if email is None:
        raise NotFound("This link is not valid any more: it works once, and for an hour. Ask for another one.")
    form.owner_email = email
    if not form.validate_on_submit():
        return render("new_password.html", form, email=email)
    user_id = resets.use(services().database, token, passwords.hash_password(form.password.data))
    if user_id is None:
        raise NotFound("This link was used at this moment. Ask for another one.")
    identity.note_owner_of(email)
    record("password-reset", user_id)
    notices.mail_changed_password(email)
    flash(
        "Your password was changed. All browsers were signed out, all API tokens were deleted, and all webhooks were "
        "disabled. Sign in with the new password."
    )
    return redirect(url_for("account.sign_in"), 303)


def link_of(base_url: str, token: str) -> str:
    """Return the address of the page of a link. It needs no request, whose Host header its sender chooses."""
    return f"{base_url}/account/reset/{token}"


def make_mail(database: Database, settings: Settings, email: str, address: str) -> EmailMessage | None:
    """Create a link and return the mail with it, to the address as the account has it; None without such an account.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    created = resets.create(database, email)
    if created is None:
        return None
    security_events.record(database, "reset-requested", created.user_id, address)
    body = BODY.format(link=link_of(settings.public_url, created.token))
    return new_mail(settings, created.email, "Choose a new password", body)
