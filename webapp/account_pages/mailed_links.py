"""Links that show that a person reads the mail of an address: to create an account, or to change its address.

They are signed, not stored: a link says what it allows, for an hour. Its reader can read all that is in it, so a link
holds a keyed digest of its account, not the account's id and address. Whether an address has an account is looked up by
the thread that sends the mail, so the pages answer alike, and as fast, for every address.
"""

import hashlib
from email.message import EmailMessage
from functools import partial
from typing import Any, Final

from flask import current_app
from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound

from contracts.database import Database
from contracts.settings import Settings
from webapp.accounts import store
from webapp.mailer import new_mail
from webapp.services import services

MAX_AGE_SECONDS: Final = 3600

SIGN_UP: Final = """Somebody, probably you, wants to create an account with this address.

Open this link within an hour, and choose a password:

{link}

If it was not you, ignore this mail: no account is created.
"""

HAS_ACCOUNT: Final = """Somebody, probably you, tried to create an account with this address, but an account
already has it.

Sign in instead: {url}/account/sign-in
Forgot your password? {url}/account/forgotten

If it was not you, ignore this mail.
"""

NEW_EMAIL: Final = """Somebody, probably you, wants to use this address for an account.

Open this link within an hour, in a browser in which you are signed in:

{link}

If it was not you, ignore this mail: the account keeps its address.
"""


def sign_up_token(email: str) -> str:
    """Return the token of a link with which an account with this address is created."""
    return str(_serializer("sign-up").dumps(email))


def sign_up_email(token: str) -> str:
    """Return the address of a link. Raises NotFound when the link is not valid any more."""
    return str(_load("sign-up", token))


def email_token(user_id: str, present: str, new: str) -> str:
    """Return the token of a link with which an account gets another address."""
    return str(_serializer("e-mail").dumps([_digests().get_signature(_account(user_id, present)).decode(), new]))


def new_email(token: str, user_id: str, present: str) -> str:
    """Return the new address of a link for the account with this id and present address.

    Raises NotFound when the link is not valid any more, or is for another account or another present address.
    """
    digest, new = _load("e-mail", token)
    if not _digests().verify_signature(_account(user_id, present), digest):
        raise NotFound("This link is not for the account that you are signed in to, or it was used before.")
    return str(new)


def mail_sign_up(email: str) -> None:
    """Queue the mail that creates an account, or says that the address has one."""
    link = f"{services().settings.public_url}/account/sign-up/{sign_up_token(email)}"
    services().mailer.send(partial(_sign_up_mail, services().database, services().settings, email, link))


def mail_new_email(user_id: str, present: str, new: str) -> None:
    """Queue the mail that changes an address. None is sent to an address that has an account."""
    link = f"{services().settings.public_url}/account/email/{email_token(user_id, present, new)}"
    services().mailer.send(partial(_new_email_mail, services().database, services().settings, new, link))


def _sign_up_mail(database: Database, settings: Settings, email: str, link: str) -> EmailMessage:
    if store.find_by_email(database, email) is not None:
        return new_mail(settings, email, "You have an account", HAS_ACCOUNT.format(url=settings.public_url))
    return new_mail(settings, email, "Create your account", SIGN_UP.format(link=link))


def _new_email_mail(database: Database, settings: Settings, new: str, link: str) -> EmailMessage | None:
    if store.find_by_email(database, new) is not None:
        return None
    return new_mail(settings, new, "Confirm your address", NEW_EMAIL.format(link=link))


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=f"mailed link: {purpose}")


def _digests() -> Signer:
    """Return what makes the digests. Nobody computes one without SECRET_KEY, even by guessing the address."""
    return Signer(str(current_app.secret_key), salt="mailed link: account", digest_method=hashlib.sha256)


def _account(user_id: str, email: str) -> str:
    return f"{user_id} {email}"


def _load(purpose: str, token: str) -> Any:
    try:
        return _serializer(purpose).loads(token, max_age=MAX_AGE_SECONDS)
    except BadData:
        raise NotFound("This link is not valid any more: it works for an hour. Ask for another one.") from None
