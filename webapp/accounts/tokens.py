"""API tokens: with which programs act for an account. PostgreSQL has only their hashes, and a token is shown once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row
from webapp.accounts.scopes import Scope
from webapp.accounts.secrets import hash_token
from webapp.accounts.token_text import new_token_text
from webapp.ids import new_id
from webapp.queries import read

MAX_DAYS: Final = 365
"""How long a token is valid at most."""

MAX_NAME_LENGTH: Final = 100

MAX_TOKENS: Final = 50
"""Tokens of one account, so that a program cannot fill the table. Concurrent creations may exceed it by a few."""

INSERT_TOKEN: Final = text("""
    INSERT INTO api_tokens (id, user_id, name, scopes, token_hash, expires_at)
    SELECT CAST(:id AS uuid), u.id, CAST(:name AS text), CAST(:scopes AS text[]), CAST(:token AS bytea),
           now() + make_interval(days => CAST(:days AS integer))
      FROM users u
     WHERE u.id = :user AND NOT u.is_anonymous AND u.disabled_at IS NULL AND u.deleted_at IS NULL
       AND (SELECT count(*) FROM api_tokens WHERE user_id = :user) < CAST(:most AS bigint)
       FOR SHARE OF u
        ON CONFLICT (id) DO NOTHING
    RETURNING expires_at
""")
"""Adds a token of an account that may sign in and has room for one. A repeat after a lost answer adds no second one.

The lock lets a deletion of the account at this moment come first, and refuse it, or come later, and erase it."""

FIND_TOKEN: Final = text("""
    SELECT t.id, t.user_id, t.scopes,
           COALESCE(t.last_used_at < now() - interval '5 minutes', true) AS is_due_for_touch
      FROM api_tokens t JOIN users u ON u.id = t.user_id
     WHERE t.token_hash = :token AND t.expires_at > now() AND u.disabled_at IS NULL AND u.deleted_at IS NULL
""")
"""Returns a token that has not expired, of an account that may sign in."""

TOUCH_TOKEN: Final = text("UPDATE api_tokens SET last_used_at = now() WHERE id = :id")
"""Notes that a token is used, at most every five minutes: a write with each request would be too many."""

LIST_TOKENS: Final = text("""
    SELECT id, name, scopes, created_at, expires_at, last_used_at, expires_at <= now() AS is_expired
      FROM api_tokens WHERE user_id = :user ORDER BY created_at DESC, id DESC
""")
"""Returns the tokens of an account, the latest first, also the expired ones."""

DELETE_TOKEN: Final = text("DELETE FROM api_tokens WHERE id = :id AND user_id = :user RETURNING name")
"""Deletes a token of this account, and nothing when it belongs to another one. It is refused from then on."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """The token of a request: for whom it acts, and what it may do."""

    id: UUID
    user_id: UUID
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just created. `text` is the secret, which nobody can read again."""

    id: UUID
    text: str
    expires_at: datetime


def create(database: Database, user_id: UUID, name: str, scopes: Collection[Scope], days: int) -> NewToken | None:
    """Create a token that is valid for 1 to MAX_DAYS days, or return None when the account has MAX_TOKENS.

    Raises ValueError for other days, a name without a character or no scope, and SQLAlchemyError.
    """
    if not (1 <= days <= MAX_DAYS and 0 < len(name) <= MAX_NAME_LENGTH and scopes):
        raise ValueError("a token needs a name, a scope, and 1 to 365 days")
    token_id, secret = new_id(), new_token_text()
    written = sorted(Scope(scope).value for scope in scopes)
    values = {"id": token_id, "user": user_id, "name": name, "scopes": written, "days": days, "most": MAX_TOKENS}
    row = database.row(INSERT_TOKEN, **values, token=hash_token(secret))
    return None if row is None else NewToken(token_id, secret, row.expires_at)


def find(database: Database, written: str) -> ApiToken | None:
    """Return a valid token, or None when it is unknown, has expired, was deleted, or its account may not sign in.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    rows = read(database, FIND_TOKEN, token=hash_token(written))
    if not rows:
        return None
    row = rows[0]
    if row.is_due_for_touch:
        database.rows(TOUCH_TOKEN, id=row.id)
    return ApiToken(row.id, row.user_id, frozenset(row.scopes))


def list_all(database: Database, user_id: UUID) -> list[Row]:
    """Return the tokens of an account, the latest first, without anything secret. Raises SQLAlchemyError."""
    return read(database, LIST_TOKENS, user=user_id)


def delete(database: Database, user_id: UUID, token_id: UUID) -> str | None:
    """Delete a token of this account and return its name, or None when the account has no such token.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    row = database.row(DELETE_TOKEN, id=token_id, user=user_id)
    return None if row is None else str(row.name)
