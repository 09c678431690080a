"""Identifies the visitor: a signed cookie holds one anonymous user for each browser.

The user's row is inserted with the first thought or profile, so that opening a page writes nothing.
"""

from hashlib import sha256
from uuid import UUID, uuid4

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface

_USER = "user"


class VisitorCookie(SecureCookieSessionInterface):
    """Flask's signed session cookie, marked Secure when it is set over HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - the signature is Flask's
        return request.is_secure


def cookie_name(secret_key: str) -> str:
    """Return a name that differs for each secret key, because installations on one host share cookies across ports."""
    return f"thoughts_visitor_{sha256(f'name of the cookie: {secret_key}'.encode()).hexdigest()[:8]}"


def current_visitor() -> UUID | None:
    """Return the user of this request's cookie, or None."""
    try:
        return UUID(str(session[_USER]))
    except (KeyError, ValueError):
        return None


def ensure_visitor() -> UUID:
    """Return the cookie's user. A browser without a cookie gets one; every call extends it by another year."""
    user_id = current_visitor() or uuid4()
    session[_USER] = str(user_id)
    session.permanent = True
    return user_id
