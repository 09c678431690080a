"""Remembers in a signed cookie to which accounts a browser has signed in, so that nobody can lock its owner out.

OWASP describes it: "Slow Down Online Guessing Attacks with Device Cookies". The cookie proves nothing else: without
the password it opens nothing. It holds a random id of the browser and keyed hashes of e-mail addresses.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from flask import Flask, Response, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from webapp import identity, session
from webapp.limits.hashing import exact_hash
from webapp.services import services

MAX_ACCOUNTS: Final = 10
"""Accounts of one browser: those that signed in last."""

MAX_AGE_SECONDS: Final = 400 * 86_400
"""Browsers keep no cookie for longer. Each new sign-in begins it again."""


@dataclass(frozen=True, slots=True)
class Device:
    """A browser: its id, and the hashes of the e-mail addresses with which it has signed in, the latest last."""

    id: str
    accounts: tuple[str, ...] = ()


def register(app: Flask) -> None:
    """Let each response to a browser that is signed in remember the account, also after a change of its address."""
    app.after_request(_remember_account)


def device() -> Device | None:
    """Return the browser of this request, or None when it has no valid cookie."""
    if "limited_device" not in g:
        g.limited_device = _read()
    found: Device | None = g.limited_device
    return found


def _read() -> Device | None:
    try:
        device_id, *accounts = _serializer().loads(request.cookies[cookie_name()])
    except (KeyError, ValueError, TypeError, BadSignature):
        return None
    return Device(str(device_id), tuple(map(str, accounts)))


def _remember_account(response: Response) -> Response:
    """Add the account to the cookie."""
    email = g.get("owned_email") or _signed_in_email()
    if email is None:
        return response
    known, account_hash = device() or Device(secrets.token_urlsafe(16)), exact_hash(email)
    if account_hash in known.accounts:
        return response
    accounts = (*known.accounts, account_hash)[-MAX_ACCOUNTS:]
    response.set_cookie(
        cookie_name(),
        _serializer().dumps([known.id, *accounts]),
        max_age=MAX_AGE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def _signed_in_email() -> str | None:
    """Return the address of the account, when the request has looked up its sign-in; this queries nothing."""
    is_looked_up = session.has_sign_in() and "_login_user" in g
    account = identity.signed_in() if is_looked_up else None
    return None if account is None else account.email


def cookie_name() -> str:
    """Return a name that differs for each secret key, because installations on one host share cookies across ports."""
    key = services().settings.require_secret_key()
    return f"thoughts_device_{sha256(f'name of the device cookie: {key}'.encode()).hexdigest()[:8]}"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(services().settings.require_secret_key(), salt="device cookie")
