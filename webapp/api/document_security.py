"""Says in the OpenAPI document how a client shows who it is, and which scope each call asks of a token.

The scopes are those of `webapp.access_rules`, so the document cannot promise another access than the one that is
enforced.
"""

from typing import Any, Final

from webapp.access_rules import Rule, Who
from webapp.accounts.scopes import Scope

_TOKEN: Final = "token"  # noqa: S105  the name of a scheme
_COOKIE: Final = "cookie"


def security_schemes(cookie_name: str) -> dict[str, Any]:
    """Return the ways to show who one is."""
    scopes = "; ".join(scope.description for scope in Scope)
    return {
        _TOKEN: {
            "type": "http",
            "scheme": "bearer",
            "description": (
                "An API token of an account, which its person creates at [/account/tokens](/account/tokens). It has "
                f"the scopes that they chose; none includes another. {scopes}."
            ),
        },
        _COOKIE: {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_name,
            "description": (
                "The cookie of a browser, which this site sets: of an account that is signed in, or of an anonymous "
                "visitor where the call needs no account. A request with a token is judged by the token alone."
            ),
        },
    }


def security_of(rule: Rule) -> list[dict[str, list[str]]]:
    """Return the requirement of a call: a token with its scopes, or a cookie.

    It is optional where a visitor without any is answered, too: with an empty list, with a cookie to begin with, or,
    with TRUST_USER_ID, as the user that the request names.
    """
    token = {_TOKEN: [str(scope) for scope in rule.scopes]} if rule.scopes else {}
    required: list[dict[str, list[str]]] = [token, {_COOKIE: []}]
    is_required = rule.who is Who.ACCOUNT or rule.nobody == 401
    return required if is_required else [*required, {}]
