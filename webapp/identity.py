"""Says who sends the request: the account of its API token, that of its sign-in, or the anonymous user of the cookie.

A request with an Authorization header is judged by its token alone, as if it had no cookie.
"""

from typing import Any, Final
from uuid import UUID, uuid4

import flask_login
from flask import Flask, Response, after_this_request, g, request

from webapp import bearer, session
from webapp.accounts import sign_ins, store, token_text, tokens
from webapp.accounts.admissions import Admission
from webapp.accounts.sign_ins import SignedIn
from webapp.accounts.tokens import ApiToken
from webapp.services import services

CLEARED: Final = '"cache", "storage"'
"""What a browser forgets at the sign-out (Clear-Site-Data). Not the cookies: the one of `limits.device_cookie` keeps
others from locking the person out."""


class _SignIns(flask_login.LoginManager):  # type: ignore[misc]  # Flask-Login has no types
    """Knows no cookie but the session's. The library reads `remember_token` too, and raises TypeError for odd ones."""

    def _load_user_from_remember_cookie(self, cookie: str) -> None:  # noqa: ARG002 - the signature is Flask-Login's
        return None


def register(app: Flask) -> None:
    """Install Flask-Login. The sign-in's token is all that it keeps; PostgreSQL knows how long it is valid."""
    login_manager = _SignIns()
    login_manager.session_protection = None
    login_manager.user_loader(_find_sign_in)
    login_manager.init_app(app, add_context_processor=False)
    app.context_processor(lambda: {"has_sign_in": session.has_sign_in()})


def required_token() -> ApiToken:
    """Return the API token of the request, which PostgreSQL is asked for once.

    Raises Unauthorized when it is missing or not valid, and SQLAlchemyError when PostgreSQL is unavailable.
    """
    if "api_token" not in g:
        g.api_token = _find_token(bearer.sent_token())
    token: ApiToken = g.api_token
    return token


def signed_in() -> SignedIn | None:
    """Return the account that is signed in, or None; a request with a token is not signed in.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    if bearer.is_sent():
        return None
    user: Any = flask_login.current_user
    return user._get_current_object() if user and user.is_authenticated else None  # noqa: SLF001  a proxy's own name


def account_id() -> UUID | None:
    """Return the account of the request's token or sign-in, or None.

    Raises Unauthorized for a token that is not valid, and SQLAlchemyError when PostgreSQL is unavailable.
    """
    if bearer.is_sent():
        return required_token().user_id
    account = signed_in()
    return None if account is None else account.user_id


def current_user() -> UUID | None:
    """Return the user of this request, or None.

    A cookie of an anonymous user is worth nothing once that user is an account or has joined one: it may be a copy.

    Raises Unauthorized for a token that is not valid, and SQLAlchemyError when PostgreSQL is unavailable.
    """
    if "current_user" not in g:
        g.current_user = account_id() or _anonymous_id()
    user_id: UUID | None = g.current_user
    return user_id


def admission() -> Admission | None:
    """Return what admits the request as its user, or None when it has no user. Raises as `current_user` does."""
    if bearer.is_sent():
        return Admission(required_token().user_id, token_id=required_token().id)
    if (account := signed_in()) is not None:
        return Admission(account.user_id, sign_in_id=account.sign_in_id)
    user_id = current_user()
    return None if user_id is None else Admission(user_id)


def ensure_user() -> UUID:
    """Return the user of this request. A browser without one gets a new anonymous user, whose cookie lasts a year."""
    if (account := account_id()) is not None:
        return account
    g.current_user = current_user() or uuid4()
    session.remember_visitor(g.current_user)
    return UUID(str(g.current_user))


def begin_sign_in(user_id: UUID, verified_hash: str) -> bool:
    """Sign this browser in, with a new token. What the cookie held before is forgotten, and its sign-in ends.

    Return False when `verified_hash` is not the hash of the account's password any more: the browser then stays as it
    is. Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    former, database = signed_in(), services().database
    token = sign_ins.begin(database, user_id, verified_hash, request.user_agent.string)
    account = sign_ins.find(database, token)
    if account is None:
        return False
    if former is not None:
        sign_ins.end(database, former.token)
    session.forget()
    g.pop("current_user", None)
    flask_login.login_user(account)
    session.keep()
    return True


def note_owner_of(email: str) -> None:
    """Note that the sender of this request has read a mail to the address of an account, as after a reset.

    Like a sign-in, it spares the browser the limits that others can use up.
    """
    g.owned_email = email


def end_sign_in() -> None:
    """Sign this browser out, and let it forget what it keeps of the pages."""
    after_this_request(_clear_site_data)
    if (account := signed_in()) is not None:
        sign_ins.end(services().database, account.token)
    flask_login.logout_user()
    session.forget()
    g.pop("current_user", None)


def _clear_site_data(response: Response) -> Response:
    response.headers["Clear-Site-Data"] = CLEARED
    return response


def _find_sign_in(token: str) -> SignedIn | None:
    return sign_ins.find(services().database, token)


def _find_token(written: str) -> ApiToken:
    if not token_text.is_well_formed(written):
        raise bearer.invalid_token("This is no API token: it is incomplete, or was copied wrongly.")
    token = tokens.find(services().database, written)
    if token is None:
        raise bearer.invalid_token("This API token is unknown, has expired or was deleted.")
    return token


def _anonymous_id() -> UUID | None:
    visitor = session.cookie_visitor()
    if visitor is None or not store.is_anonymous(services().database, visitor):
        return None
    return visitor
