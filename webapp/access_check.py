"""Enforces the table of access rules before each request. No application starts that has a route without a rule."""

from typing import Final

from flask import Flask, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.wrappers import Response

from webapp import bearer, identity, refusal_log
from webapp.access_rules import RULES, Rule, Who
from webapp.accounts.scopes import Scope
from webapp.problems import FORM_TYPES
from webapp.security import SAFE_METHODS

SIGN_IN_AGAIN: Final = "You signed in more than an hour ago. Sign in again to act as an administrator."


def register(app: Flask) -> None:
    """Install the check. Call it after the last route is registered. Raises RuntimeError when a route has no rule."""
    for route in app.url_map.iter_rules():
        rule = RULES.get(route.endpoint)
        if rule is None:
            raise RuntimeError(f"The endpoint {route.endpoint} has no rule in webapp/access_rules.py: add its row.")
        if rule.who is Who.ANYONE and not (route.methods or set()) <= SAFE_METHODS:
            raise RuntimeError(f"The endpoint {route.endpoint} changes something, so its rule cannot be ANYONE.")
    app.before_request(_check)


def _check() -> Response | None:
    """Refuse a request that its rule does not admit. A path without a route is answered with 404 afterwards."""
    rule = RULES[request.endpoint] if request.endpoint else None
    if rule is None or rule.who is Who.ANYONE:
        return None
    if rule.who is Who.ADMINISTRATOR:
        return _check_administrator()
    if bearer.is_sent():
        _check_token(rule.scopes)
        return None
    return _check_sign_in(rule)


def _check_token(scopes: tuple[Scope, ...]) -> None:
    """Raises Unauthorized for a token that is not valid, and Forbidden for one that may not do this."""
    token = identity.required_token()
    if not scopes or request.mimetype in FORM_TYPES:
        raise Forbidden("API tokens are for the JSON calls and the stream, not for pages and forms.")
    for scope in scopes:
        if scope not in token.scopes:
            raise bearer.InsufficientScope(scope)


def _check_sign_in(rule: Rule) -> Response | None:
    """Return the way to the page where one signs in. Raises Unauthorized for a call."""
    if rule.who is Who.VISITOR:
        return None
    account = identity.signed_in()
    if account is None and rule.scopes:
        raise bearer.missing_credentials()
    if account is None:
        return way_to_sign_in()
    return None


def _check_administrator() -> Response | None:
    """Let only administrators through whose sign-in is at most an hour old; one of a form keeps what they wrote.

    Everybody else is answered as if the page did not exist, also a token of an administrator. Raises NotFound.
    """
    account = identity.signed_in()
    if account is None or not account.is_admin:
        refusal_log.note("the page is for administrators")
        raise NotFound
    if account.is_fresh:
        return None
    if request.method in SAFE_METHODS:
        flash(SIGN_IN_AGAIN)
        refusal_log.note("the administrator signed in more than an hour ago")
        return way_to_sign_in()
    written = request.form.get("reason", "")
    return make_response(render_template("admin_stale.html", message=SIGN_IN_AGAIN, written=written), 403)


def way_to_sign_in() -> Response:
    """Return the way to the sign-in, and from there back to the page of this request."""
    is_page = request.url_rule is not None and "GET" in (request.url_rule.methods or ())
    page = request.path if is_page else url_for("account.show")
    return redirect(url_for("account.sign_in", next=page), 303)
