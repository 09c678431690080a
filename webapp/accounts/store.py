"""Creates accounts and finds them in PostgreSQL."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.queries import read

CREATE_ACCOUNT: Final = text("""
    WITH known AS (SELECT FROM users WHERE lower(email) = lower(CAST(:email AS text))),
    named AS (
      INSERT INTO users (id, is_anonymous, email, password_hash)
      SELECT CAST(:user AS uuid), false, CAST(:email AS text), CAST(:hash AS text) WHERE NOT EXISTS (SELECT FROM known)
          ON CONFLICT (id) DO UPDATE
         SET is_anonymous = false, email = EXCLUDED.email, password_hash = EXCLUDED.password_hash
       WHERE users.is_anonymous AND users.account_id IS NULL AND NOT EXISTS (SELECT FROM known)
      RETURNING id)
    SELECT EXISTS (SELECT FROM named) AS created,
           EXISTS (SELECT FROM users WHERE id = :user AND lower(email) = lower(CAST(:email AS text))
                                       AND password_hash = :hash) AS was_created
""")
"""Makes an anonymous user an account: the user keeps its id, so its thoughts and its line stay as they are.

Nothing changes when an account has the address, or when the user is no anonymous one any more. A repeat after a lost
answer finds its own row. Two sign-ups with one address at the same moment: the unique index refuses the second."""

FIND_BY_EMAIL: Final = text("""
    SELECT id, email, password_hash FROM users
     WHERE lower(email) = lower(CAST(:email AS text)) AND disabled_at IS NULL AND deleted_at IS NULL
""")
"""Returns the account of an e-mail address that may sign in."""

IS_ANONYMOUS: Final = text("SELECT is_anonymous AND account_id IS NULL AS is_anonymous FROM users WHERE id = :user")
"""Whether a cookie without a sign-in still speaks for this user; no row before the user's first thought or profile."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is found by its e-mail address."""

    user_id: UUID
    email: str
    password_hash: str


def create(database: Database, user_id: UUID, email: str, password_hash: str) -> bool:
    """Make the anonymous user an account; return False when the address is taken or the user is no anonymous one.

    Raises SQLAlchemyError when PostgreSQL is unavailable, or when another sign-up takes the address at this moment.
    """
    row = database.rows(CREATE_ACCOUNT, user=user_id, email=email, hash=password_hash)[0]
    return bool(row.created or row.was_created)


def find_by_email(database: Database, email: str) -> Account | None:
    """Return the account with this address, or None. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    rows = read(database, FIND_BY_EMAIL, email=email)
    return Account(rows[0].id, rows[0].email, rows[0].password_hash) if rows else None


def is_anonymous(database: Database, user_id: UUID) -> bool:
    """Return whether the user has no account; also before its first thought. Raises SQLAlchemyError."""
    rows = read(database, IS_ANONYMOUS, user=user_id)
    return not rows or bool(rows[0].is_anonymous)
