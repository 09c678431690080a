"""Links with which a person who forgot the password chooses another one. PostgreSQL holds only the hash of a link."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.accounts.secrets import hash_token, new_token
from webapp.queries import read

CREATE_RESET: Final = text("""
    WITH account AS (
      SELECT id FROM users
       WHERE lower(email) = lower(CAST(:email AS text)) AND disabled_at IS NULL AND deleted_at IS NULL),
    older AS (DELETE FROM password_resets r USING account WHERE r.user_id = account.id)
    INSERT INTO password_resets (token_hash, user_id) SELECT CAST(:token AS bytea), id FROM account RETURNING user_id
""")
"""Adds a link for the account with this address and ends the older ones; no row when there is no such account.

Two requests at the same moment may leave two links; using one ends the other."""

FIND_RESET: Final = text("""
    SELECT u.email FROM password_resets r JOIN users u ON u.id = r.user_id
     WHERE r.token_hash = :token AND r.created_at > now() - interval '1 hour'
       AND u.disabled_at IS NULL AND u.deleted_at IS NULL
""")
"""Returns the address of a link's account while the link is valid. It uses nothing up: mail scanners open links."""

USE_RESET: Final = text("""
    WITH used AS (
      DELETE FROM password_resets WHERE token_hash = :token AND created_at > now() - interval '1 hour'
      RETURNING user_id),
    changed AS (
      UPDATE users SET password_hash = :hash FROM used
       WHERE users.id = used.user_id AND disabled_at IS NULL AND deleted_at IS NULL RETURNING users.id),
    others AS (DELETE FROM password_resets r USING changed WHERE r.user_id = changed.id AND r.token_hash <> :token),
    ended AS (DELETE FROM sign_ins s USING changed WHERE s.user_id = changed.id)
    SELECT id FROM changed
""")
"""Uses a link once: sets the password, and ends all sign-ins and other links. Of two uses the second finds no row, and
so does a repeat after a lost answer: the person signs in with the new password."""


def create(database: Database, email: str) -> tuple[UUID, str] | None:
    """Return the account and the token of a new link, or None without such an account. Raises SQLAlchemyError."""
    token = new_token()
    rows = database.rows(CREATE_RESET, email=email, token=hash_token(token))
    return (rows[0].user_id, token) if rows else None


def find_email(database: Database, token: str) -> str | None:
    """Return the address of the account that a valid link is for, or None. Raises SQLAlchemyError."""
    rows = read(database, FIND_RESET, token=hash_token(token))
    return str(rows[0].email) if rows else None


def use(database: Database, token: str, new_hash: str) -> UUID | None:
    """Set the password and return the account, or None when the link is not valid any more. Raises SQLAlchemyError."""
    rows = database.rows(USE_RESET, token=hash_token(token), hash=new_hash)
    return rows[0].id if rows else None
