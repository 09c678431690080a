"""The roles in which the tests call every endpoint, and what the table of access rules promises to each of them."""

from enum import Enum
from typing import Final

from webapp.access_rules import Rule, Who
from webapp.accounts.scopes import Scope

YES: Final = "yes"
SIGN_IN: Final = "sign in"
"""The answer leads to the page where one signs in."""
STATUS_ALONE: Final = "the status alone"
"""The answer has no figures."""


class Role(Enum):
    """Who sends a request. The value is the heading of its column, and several roles share one."""

    NOBODY = "nobody"
    OTHER_VISITOR = "another visitor"
    FORMER_VISITOR = "a former visitor"
    """A copy of the cookie from before the owner signed up."""
    ELSEWHERE = "nobody, from another machine"
    DISABLED_OWNER = "the owner's browser, whose account is disabled"
    OTHER_ACCOUNT = "another account"
    OWNER_BY_COOKIE = "the owner, anonymous"
    OWNER_BY_SIGN_IN = "the owner, signed in"
    READ_TOKEN = "token: read"
    WRITE_TOKEN = "token: write"
    STREAM_TOKEN = "token: stream"
    EXPORT_TOKEN = "token: export"
    OTHER_TOKEN = "another account's token"
    """It has all scopes."""
    ADMINISTRATORS_TOKEN = "an administrator's token"
    """It has all scopes, too."""
    EXPIRED_TOKEN = "an invalid token, also beside the owner's cookie"
    DELETED_TOKEN = "a deleted token"
    TOKEN_OF_DISABLED_USER = "a token of a disabled user"
    TOKEN_OF_DELETED_USER = "a token of a deleted user"
    ADMINISTRATOR = "an administrator"
    STALE_ADMINISTRATOR = "an administrator, after an hour"
    """The sign-in began more than an hour ago."""


SCOPES: Final = {
    Role.READ_TOKEN: {Scope.READ},
    Role.WRITE_TOKEN: {Scope.WRITE},
    Role.STREAM_TOKEN: {Scope.STREAM},
    Role.EXPORT_TOKEN: {Scope.EXPORT},
    Role.OTHER_TOKEN: set(Scope),
    Role.ADMINISTRATORS_TOKEN: set(Scope),
}
INVALID_TOKENS: Final = {
    Role.EXPIRED_TOKEN,
    Role.DELETED_TOKEN,
    Role.TOKEN_OF_DISABLED_USER,
    Role.TOKEN_OF_DELETED_USER,
}
SIGNED_IN: Final = {Role.OTHER_ACCOUNT, Role.OWNER_BY_SIGN_IN, Role.ADMINISTRATOR, Role.STALE_ADMINISTRATOR}
UNRECOGNISED: Final = {Role.NOBODY, Role.FORMER_VISITOR, Role.ELSEWHERE, Role.DISABLED_OWNER}
"""Their cookies, if any, name nobody."""
STRANGERS: Final = {
    *UNRECOGNISED,
    Role.OTHER_VISITOR,
    Role.OTHER_ACCOUNT,
    Role.OTHER_TOKEN,
    Role.ADMINISTRATORS_TOKEN,
    Role.ADMINISTRATOR,
    Role.STALE_ADMINISTRATOR,
}


def promised(rule: Rule, role: Role, method: str) -> str:
    """Return what the answer to this role must be: YES, SIGN_IN, STATUS_ALONE or a status."""
    if rule.who is Who.ANYONE:
        return without_figures(rule) if rule.figures and role is Role.ELSEWHERE else YES
    if rule.who is Who.ADMINISTRATOR:
        return _administrators_answer(role, method)
    refusal = _token_refusal(rule, role) if role in SCOPES | dict.fromkeys(INVALID_TOKENS) else _refusal(rule, role)
    if refusal is not None:
        return refusal
    if rule.stranger is not None and role in STRANGERS:
        return str(rule.stranger)
    if rule.nobody is not None and role in UNRECOGNISED:
        return SIGN_IN if rule.nobody == 303 else str(rule.nobody)
    return YES


def without_figures(rule: Rule, *, is_token_set: bool = False) -> str:
    """Return what the answer must be to a client that may not read the figures."""
    if rule.figures == 403 and is_token_set:
        return "401"
    return STATUS_ALONE if rule.figures == 200 else str(rule.figures)


def _administrators_answer(role: Role, method: str) -> str:
    if role is Role.STALE_ADMINISTRATOR:
        return SIGN_IN if method == "GET" else "403"
    return YES if role is Role.ADMINISTRATOR else "404"


def _token_refusal(rule: Rule, role: Role) -> str | None:
    if role in INVALID_TOKENS:
        return "401"
    return None if rule.scopes and set(rule.scopes) <= SCOPES[role] else "403"


def _refusal(rule: Rule, role: Role) -> str | None:
    if rule.who is not Who.VISITOR and role not in SIGNED_IN:
        return "401" if rule.scopes else SIGN_IN
    return None
