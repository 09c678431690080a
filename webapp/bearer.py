"""The Authorization header of a request, and the answers of RFC 6750 to one that is missing, wrong or too weak.

A request with this header is judged by it alone, never by a cookie beside it.
"""

from collections.abc import Mapping
from typing import Any, Final

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, HTTPException

from webapp.problem_types import INSUFFICIENT_SCOPE, NOT_AUTHENTICATED

REALM: Final = "thoughts"


class InsufficientScope(Forbidden):
    """A valid token that may not do this. A class of its own, because werkzeug's 403 takes no challenge."""

    problem_type = INSUFFICIENT_SCOPE

    def __init__(self, scope: str) -> None:
        super().__init__(f"This token lacks the scope {scope}. Create one that has it, at /account/tokens.")
        self._challenge = challenge({"error": "insufficient_scope", "scope": scope})

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        return [*super().get_headers(environ, scope), ("WWW-Authenticate", self._challenge.to_header())]


def is_sent() -> bool:
    """Return whether the request has an Authorization header, also an empty or unreadable one."""
    return "Authorization" in request.headers


def sent_token() -> str:
    """Return the token of the header. Raises Unauthorized when the header holds none."""
    header = request.authorization
    if header is None or header.type != "bearer" or not header.token:
        raise NOT_AUTHENTICATED.error(
            "The Authorization header holds no API token. Send `Authorization: Bearer tht_...` once, or leave the "
            "header out. If a proxy in front of this site adds it, let the proxy remove it.",
            www_authenticate=challenge({}),
        )
    return header.token


def invalid_token(detail: str) -> HTTPException:
    """Return the 401 error of a token that is wrong, has expired or was deleted."""
    return NOT_AUTHENTICATED.error(detail, www_authenticate=challenge({"error": "invalid_token"}))


def missing_credentials() -> HTTPException:
    """Return the 401 error of a call that needs an account."""
    detail = "Send an API token of your account, as `Authorization: Bearer tht_...`; you get one at /account/tokens."
    return NOT_AUTHENTICATED.error(detail, www_authenticate=challenge({}))


def challenge(parameters: Mapping[str, str | None]) -> WWWAuthenticate:
    """Return the header that names the scheme, and why the request was refused."""
    return WWWAuthenticate("bearer", {"realm": REALM, **parameters})
