"""Rejects forms without the CSRF token of their browser (Flask-WTF), besides the origin check of `security`.

A form from a browser without a cookie needs no token: nobody is recognised by it, so it can do nothing in a name.
JSON needs none either, because another site cannot send it without the origin check noticing. A request with an
Authorization header is judged by its token alone, which no other site has.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Flask, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden

from webapp import bearer, refusal_log, session
from webapp.problem_types import UNSUPPORTED_MEDIA_TYPE
from webapp.problems import FORM_TYPES
from webapp.security import SAFE_METHODS

_PROTECT: Final = CSRFProtect()

_TYPES_OF_FORMS: Final = FORM_TYPES | {"text/plain"}
"""The types of what an HTML form can send, also one of another site that chooses `enctype`."""

View = TypeVar("View", bound=Callable[..., Any])


class OutdatedFormError(Forbidden):
    """Raised for a form with a missing or foreign token. A handler shows the form again with what a person wrote."""

    description = (
        "Nothing was done: the form was opened before you signed in or out, or it is not from this site. Open its page "
        "again and repeat it."
    )


RESEND: Final = (
    "Nothing was stored yet: the form was opened before you signed in or out, or it is not from this site, or your "
    "browser keeps no cookies of this site. Check what the form says, then send it again."
)
"""What a form says that is shown again."""

NOT_ITS_FORM: Final = "its form has a missing or foreign CSRF token"
"""The reason in the log."""


def register(app: Flask) -> None:
    """Install the check of every form, and `csrf_token()` for the templates."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the cookie: a form may stay open for days
        WTF_CSRF_SSL_STRICT=False,  # `security` compares the origin; a Referer is not always sent
    )
    _PROTECT.init_app(app)
    app.before_request(_require_token)


def form_checks_token(view: View) -> View:
    """Leave the check to the FlaskForm of a view, which shows itself again with what a person wrote.

    The view gets nothing but forms: other types are answered with 415, because the form would have no fields.
    """

    @wraps(view)
    def checked(*arguments: Any, **options: Any) -> Any:
        if request.method not in SAFE_METHODS and request.mimetype not in FORM_TYPES:
            raise UNSUPPORTED_MEDIA_TYPE.error("This address takes the form of its page. Open the page and send it.")
        return view(*arguments, **options)

    _PROTECT.exempt(checked)
    return cast(View, checked)


def _require_token() -> None:
    """Raises OutdatedFormError."""
    if request.method in SAFE_METHODS or request.mimetype not in _TYPES_OF_FORMS:
        return
    if bearer.is_sent() or not session.has_content():
        return
    try:
        _PROTECT.protect(apply_exemptions=True)
    except CSRFError:
        refusal_log.note(NOT_ITS_FORM)
        raise OutdatedFormError from None
