"""Identifies the visitor: a signed cookie holds one anonymous user for each browser.

The user's row is inserted with the first thought or profile, so that opening a page writes nothing.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer

_USER = "user"


class _AnyClockSigner(TimestampSigner):
    """Accepts a signature of the future: the clock that dated it was ahead, or this one was set back.

    A refused cookie would make its owner another user, who has none of the thoughts.
    """

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: Any = False) -> Any:
        try:
            return super().unsign(signed_value, max_age, return_timestamp)
        except SignatureExpired as error:
            if error.date_signed is None or error.date_signed <= datetime.now(UTC):
                raise
            return super().unsign(signed_value, None, return_timestamp)


class VisitorCookie(SecureCookieSessionInterface):
    """Flask's signed session cookie, marked Secure when it is set over HTTPS."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _AnyClockSigner
        return serializer

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
