"""The signed cookie: it holds one anonymous user for each browser, or the token of a sign-in.

The user's row is inserted with the first thought or profile, so that opening a page writes nothing.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

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


def cookie_visitor() -> UUID | None:
    """Return the anonymous user that the cookie names, or None. `webapp.identity` says whether it still counts."""
    try:
        return UUID(str(session[_USER]))
    except (KeyError, ValueError):
        return None


def remember_visitor(user_id: UUID) -> None:
    """Write the anonymous user into the cookie; every call extends it by another year."""
    session[_USER] = str(user_id)
    keep()


def keep() -> None:
    """Keep the cookie when the browser is closed."""
    session.permanent = True


def forget() -> None:
    """Empty the cookie."""
    session.clear()


def has_content() -> bool:
    """Return whether the browser sent a valid cookie of this site."""
    return bool(session)


def has_sign_in() -> bool:
    """Return whether the cookie holds a sign-in, which may have ended. For pages that must not query PostgreSQL."""
    return "_user_id" in session
