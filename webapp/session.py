"""Who is asking: an anonymous user in a signed cookie, one a browser.

The user's row is made with the first thought, so that looking at a page writes nothing.
"""

from hashlib import sha256
from uuid import UUID, uuid4

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface

_USER = "user"


class VisitorCookie(SecureCookieSessionInterface):
    """Flask's signed session, marked Secure whenever it is given over HTTPS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - the signature is Flask's
        return request.is_secure


def cookie_name(secret_key: str) -> str:
    """Cookies know no ports: installations on one host would overwrite a name that they share."""
    return f"thoughts_visitor_{sha256(f'name of the cookie: {secret_key}'.encode()).hexdigest()[:8]}"


def current_visitor() -> UUID | None:
    """The user of the cookie that came with this request, if any."""
    try:
        return UUID(str(session[_USER]))
    except (KeyError, ValueError):
        return None


def ensure_visitor() -> UUID:
    """The cookie's user; a browser without one gets it now, and one that comes back keeps it for another year."""
    user_id = current_visitor() or uuid4()
    session[_USER] = str(user_id)
    session.permanent = True
    return user_id
