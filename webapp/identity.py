"""Says who sends the request: the account that is signed in, or the anonymous user of the cookie."""

from typing import Any
from uuid import UUID, uuid4

import flask_login
from flask import Flask, g, request

from webapp import session
from webapp.accounts import sign_ins, store
from webapp.accounts.sign_ins import SignedIn
from webapp.services import services


def register(app: Flask) -> None:
    """Install Flask-Login. The sign-in's token is all that it keeps; PostgreSQL knows how long it is valid."""
    login_manager = flask_login.LoginManager()
    login_manager.session_protection = None
    login_manager.user_loader(_find_sign_in)
    login_manager.init_app(app, add_context_processor=False)
    app.context_processor(lambda: {"has_sign_in": session.has_sign_in()})


def signed_in() -> SignedIn | None:
    """Return the account that is signed in, or None. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    user: Any = flask_login.current_user
    return user._get_current_object() if user and user.is_authenticated else None  # noqa: SLF001  a proxy's own name


def current_user() -> UUID | None:
    """Return the user of this request, or None. Raises SQLAlchemyError when PostgreSQL is unavailable.

    A cookie of an anonymous user is worth nothing once that user is an account or has joined one: it may be a copy.
    """
    if "current_user" not in g:
        g.current_user = _account_id() or _anonymous_id()
    user_id: UUID | None = g.current_user
    return user_id


def ensure_user() -> UUID:
    """Return the user of this request. A browser without one gets a new anonymous user, whose cookie lasts a year."""
    if (account := signed_in()) is not None:
        return account.user_id
    g.current_user = current_user() or uuid4()
    session.remember_visitor(g.current_user)
    return UUID(str(g.current_user))


def begin_sign_in(user_id: UUID) -> None:
    """Sign this browser in, with a new token. What the cookie held before is forgotten, and its sign-in ends."""
    if (former := signed_in()) is not None:
        sign_ins.end(services().database, former.token)
    token = sign_ins.begin(services().database, user_id, request.user_agent.string)
    account = sign_ins.find(services().database, token)
    session.forget()
    g.pop("current_user", None)
    if account is not None:
        flask_login.login_user(account)
        session.keep()


def note_owner_of(email: str) -> None:
    """Note that the sender of this request has read a mail to the address of an account, as after a reset.

    Like a sign-in, it spares the browser the limits that others can use up.
    """
    g.owned_email = email


def end_sign_in() -> None:
    """Sign this browser out."""
    if (account := signed_in()) is not None:
        sign_ins.end(services().database, account.token)
    flask_login.logout_user()
    session.forget()
    g.pop("current_user", None)


def _find_sign_in(token: str) -> SignedIn | None:
    return sign_ins.find(services().database, token)


def _account_id() -> UUID | None:
    account = signed_in()
    return None if account is None else account.user_id


def _anonymous_id() -> UUID | None:
    visitor = session.cookie_visitor()
    if visitor is None or not store.is_anonymous(services().database, visitor):
        return None
    return visitor
