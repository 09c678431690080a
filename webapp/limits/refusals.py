"""Answers a request that a limit refuses, or that cannot be counted: a problem for programs, a page for people.

A person who sent a form gets it back with what they wrote, and can send it again from that page.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Response, make_response, render_template, request
from flask_limiter import RateLimitExceeded
from limits.errors import StorageError
from werkzeug.exceptions import HTTPException, TooManyRequests

from contracts.refusals import redis_trouble
from contracts.trouble_log import log_trouble
from webapp.limits.counted import breached_limit, seconds_left
from webapp.limits.table import Kind
from webapp.problems import FORM_TYPES, RETRY_AFTER_SECONDS, copy_headers, error_response, service_unavailable

log = logging.getLogger(__name__)

_TOO_MANY: Final[Mapping[Kind, str]] = {
    "sign-ins": "There were too many attempts to sign in.",
    "sign-ups": "There were too many attempts to create an account.",
    "resets": "There were too many attempts to reset a password.",
    "password-checks": "There were too many attempts to confirm your password.",
    "email-changes": "There were too many attempts to change to this address.",
    "thoughts": "Too many thoughts were sent in a short time.",
    "exports": "There were too many exports in a short time.",
    "searches": "There were too many searches in a short time.",
    "streams": "Too many streams were opened in a short time.",
    "webhook-tests": "There were too many tests of webhooks in a short time.",
    "requests": "There were too many requests in a short time.",
}

_HIDDEN_FIELDS: Final = frozenset({"csrf_token", "format", "fresh", "nonce", "username", "version"})
"""Fields that the pages write and no person sees."""

_SHOWN_ON_ACCOUNT_PAGES: Final = frozenset({"email", "name", "scopes", "days", "delete_tokens"})
"""All other fields of these pages count as passwords, so that a new one is never repeated by mistake."""


def refuse(error: RateLimitExceeded) -> Response:
    """Return the 429 of a limit that is used up, with Retry-After."""
    breached = breached_limit()
    try:
        seconds = RETRY_AFTER_SECONDS if breached is None else seconds_left(breached)
    except StorageError:
        seconds = RETRY_AFTER_SECONDS
    name = str(error.limit.scope)
    kind = next(kind for kind in _TOO_MANY if name.startswith(f"{kind}-"))
    advice = f"Try again in {in_words(seconds)}."
    if error.limit.deduction_amount > error.limit.limit.amount:  # it would be refused in every window
        advice = f"Send at most {error.limit.limit.amount} at once."
    text = f"{_TOO_MANY[kind]} Nothing was changed. {advice}"
    return _response(TooManyRequests(text, retry_after=seconds), seconds)


def refuse_uncounted(error: StorageError) -> Response:
    """Return the 503 of a request that must be counted while Redis is unavailable."""
    log_trouble(log, redis_trouble(error), "an attempt to sign in, sign up or use a password is answered with 503")
    unavailable = service_unavailable(
        "Signing in, signing up and changing a password are not possible at the moment, because the attempts cannot be "
        "counted. Nothing was changed. Try again in a moment."
    )
    return _response(unavailable, RETRY_AFTER_SECONDS)


def in_words(seconds: int) -> str:
    """Return a duration in its largest unit, rounded up, such as `3 minutes`."""
    for name, length in (("hour", 3600), ("minute", 60)):
        if seconds > length:
            return f"{-(-seconds // length)} {name}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _response(error: HTTPException, seconds: int) -> Response:
    if request.mimetype not in FORM_TYPES:
        return error_response(error)
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in _HIDDEN_FIELDS]
    page = render_template(
        "try_again.html",
        error=error,
        again_at=datetime.now(UTC) + timedelta(seconds=seconds),
        path=request.full_path.rstrip("?"),
        fields=[(name, value) for name, value in fields if not is_secret(name, request.blueprints)],
        secrets=[name for name, _ in fields if is_secret(name, request.blueprints)],
        hidden=[(name, request.form[name]) for name in sorted(_HIDDEN_FIELDS - {"csrf_token"}) if name in request.form],
    )
    return copy_headers(error, make_response(page, error.code))


def is_secret(name: str, blueprints: Sequence[str]) -> bool:
    """Return whether a field holds what no page may repeat: the person writes it again."""
    return "account" in blueprints and name not in _SHOWN_ON_ACCOUNT_PAGES
