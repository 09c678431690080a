"""Makes real users with a thought, a token, a sign-in or a cookie, and clients that act for them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.http_client import submit
from webapp.accounts import sign_ins, tokens
from webapp.accounts.scopes import Scope
from webapp.webhooks import store as webhooks

CSRF: dict[str, str] = {"csrf_token": "a" * 40}
"""What the cookie of every client of these tests holds, so that its forms can carry the right token."""

PASSWORD_HASH = text("SELECT password_hash FROM users WHERE id = :id")

ADD_ACCOUNT = text("""
    INSERT INTO users (id, is_anonymous, email, password_hash, is_admin)
    VALUES (CAST(:id AS uuid), false, CAST(:email AS text), 'a hash that no password has', CAST(:is_admin AS boolean))
    ON CONFLICT (id) DO UPDATE SET is_anonymous = false, email = EXCLUDED.email, password_hash = EXCLUDED.password_hash
""")

EXPIRE_TOKEN = text("UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = :id")
MAKE_STALE = text("UPDATE sign_ins SET created_at = now() - interval '61 minutes' WHERE user_id = :id")
DISABLE_USER = text("UPDATE users SET disabled_at = now() WHERE id = :id")
DELETE_USER = text("UPDATE users SET deleted_at = now(), email = NULL, password_hash = NULL WHERE id = :id")


@dataclass(frozen=True)
class Owned:
    """A user, and what belongs to it."""

    user_id: UUID
    thought_id: UUID
    token_id: UUID
    webhook_id: UUID


def csrf_field(app: Flask) -> str:
    """Return the field of a form that belongs to CSRF, as Flask-WTF signs it."""
    return str(URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token").dumps(CSRF["csrf_token"]))


def email_of(user_id: UUID) -> str:
    """Return the address of an account of these tests."""
    return f"{user_id}@example.org"


def add_account(database: Database, user_id: UUID | None = None, *, is_admin: bool = False) -> UUID:
    """Add an account, or make an anonymous user one, and return its id."""
    user_id = user_id or uuid4()
    database.rows(ADD_ACCOUNT, id=user_id, email=email_of(user_id), is_admin=is_admin)
    return user_id


def sign_in_id(database: Database, user_id: UUID) -> UUID:
    """Return the id of a sign-in of an account, or an unknown one where the user can have none."""
    for account in database.rows(PASSWORD_HASH, id=user_id):
        sign_ins.begin(database, user_id, account.password_hash or "", "another browser")
    return next((row.id for row in sign_ins.sign_ins_of(database, user_id)), uuid4())


def nobody(app: Flask) -> FlaskClient:
    """Return a browser whose cookie names no user: it has only opened a page with a form."""
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(CSRF)
    return client


def elsewhere(app: Flask) -> FlaskClient:
    """Return a browser of another machine, whose cookie names no user."""
    client = nobody(app)
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    return client


def visitor(app: Flask, user_id: UUID | None = None) -> FlaskClient:
    """Return the browser of an anonymous user."""
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(user=str(user_id or uuid4()), **CSRF)
        session.permanent = True
    return client


def begin_sign_in(database: Database, user_id: UUID, user_agent: str = "a browser") -> str:
    """Begin a sign-in of an account, as if its password had been verified, and return the token."""
    [account] = database.rows(PASSWORD_HASH, id=user_id)
    return sign_ins.begin(database, user_id, account.password_hash, user_agent)


def signed_in(app: Flask, database: Database, user_id: UUID) -> FlaskClient:
    """Return a browser in which an account is signed in."""
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id=begin_sign_in(database, user_id), _fresh=True, **CSRF)
    return client


def stale_administrator(app: Flask, database: Database) -> FlaskClient:
    """Return a browser in which an administrator signed in more than an hour ago."""
    user_id = add_account(database, is_admin=True)
    client = signed_in(app, database, user_id)
    database.rows(MAKE_STALE, id=user_id)
    return client


def disabled(app: Flask, database: Database, user_id: UUID) -> FlaskClient:
    """Return a browser with a sign-in of an account that is disabled since, without the row of the sign-in deleted."""
    client = signed_in(app, database, user_id)
    database.rows(DISABLE_USER, id=user_id)
    return client


def new_token(database: Database, user_id: UUID, scopes: Collection[Scope] = frozenset(Scope)) -> tokens.NewToken:
    """Return a new token of an account."""
    token = tokens.create(database, user_id, "a token", scopes, 1)
    assert token is not None
    return token


def bearer(token: tokens.NewToken) -> dict[str, str]:
    """Return the header with a token."""
    return {"Authorization": f"Bearer {token.text}"}


def with_token(client: FlaskClient, token: tokens.NewToken) -> FlaskClient:
    """Return the client, which sends the token with every request from now on, beside the cookies that it has."""
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token.text}"
    return client


def account_with_things(app: Flask, database: Database) -> Owned:
    """Return a new account, which was an anonymous visitor first, with a thought, a token and a webhook."""
    user_id = uuid4()
    thought_id = submit(visitor(app, user_id))
    add_account(database, user_id)
    webhook = webhooks.create(database, user_id, "https://example.org/", ["thought_failed"], with_text=False)
    assert webhook is not None
    return Owned(user_id, thought_id, new_token(database, user_id).id, webhook[0])


def visitor_with_things(app: Flask) -> Owned:
    """Return a new anonymous user with a thought; it can have no token and no webhook."""
    user_id = uuid4()
    return Owned(user_id, submit(visitor(app, user_id)), uuid4(), uuid4())
