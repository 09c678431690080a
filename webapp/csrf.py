"""Rejects forms without the CSRF token of their browser (Flask-WTF), besides the origin check of `security`.

A form from a browser without a cookie needs no token: nobody is recognised by it, so it can do nothing in a name.
JSON needs none either, because another site cannot send it without the origin check noticing.
"""

from flask import Flask, request
from flask_wtf import CSRFProtect

from webapp import session
from webapp.problems import FORM_TYPES
from webapp.security import SAFE_METHODS

_PROTECT = CSRFProtect()


def register(app: Flask) -> None:
    """Install the check of every form, and `csrf_token()` for the templates."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the cookie: a form may stay open for days
        WTF_CSRF_SSL_STRICT=False,  # `security` compares the origin; a Referer is not always sent
    )
    _PROTECT.init_app(app)
    app.before_request(_require_token)


def _require_token() -> None:
    """Raises flask_wtf.csrf.CSRFError, which is a BadRequest."""
    if request.method not in SAFE_METHODS and request.mimetype in FORM_TYPES and session.has_content():
        _PROTECT.protect()
