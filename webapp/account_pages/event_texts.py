"""Describes the events of the security log to the account's owner."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from webapp.accounts.security_events import Kind, SecurityEvent

TITLES: Final[Mapping[Kind, str]] = {
    "account-created": "You created the account",
    "signed-in": "Signed in",
    "sign-in-failed": "Somebody tried to sign in with a wrong password",
    "signed-out": "Signed out",
    "signed-out-everywhere": "Signed out on all devices",
    "password-changed": "The password was changed",
    "email-changed": "The e-mail address was changed",
    "reset-requested": "A link to reset the password was requested",
    "password-reset": "The password was reset with a link",
    "account-deleted": "The account was deleted",
    "thoughts-joined": "Thoughts of an anonymous browser were moved into the account",
    "exported": "Everything in the account was exported",
    "token-created": "An API token was created",
    "token-deleted": "An API token was deleted",
    "webhook-created": "A webhook was added",
    "webhook-deleted": "A webhook was deleted",
    "account-disabled": "An operator disabled the account",
    "account-enabled": "An operator enabled the account",
    "made-admin": "An operator gave the account administrator rights",
    "removed-admin": "An operator removed the account's administrator rights",
    "text-revealed": "An administrator read the text of one of your thoughts",
    "thought-deleted": "A thought was deleted",
    "sign-in-ended": "The sign-in of another browser was ended",
    "password-check-failed": "A wrong current password was entered in a browser that was signed in",
    "revealed-text": "You read the text of a thought as an administrator",
}
"""Kind -> what happened, as a sentence without a full stop."""

_LABELS: Final[Mapping[str, str]] = {
    "reason": "reason",
    "thought_id": "thought",
    "administrator": "administrator",
    "name": "token",
    "scopes": "scopes",
    "webhook": "webhook",
    "format": "as",
    "thoughts": "thoughts",
    "method": "with",
    "by": "by the",
}


def title(event: SecurityEvent) -> str:
    """Return what happened; for a kind of another release, its name."""
    return TITLES.get(event.kind, event.kind)


def facts(event: SecurityEvent) -> Iterator[tuple[str, str]]:
    """Yield the label and text of each detail that this release knows."""
    for name, label in _LABELS.items():
        if name in event.details:
            yield label, _text(event.details[name])


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
