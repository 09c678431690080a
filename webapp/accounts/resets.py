"""Links with which a person who forgot the password chooses another one. PostgreSQL holds only the hash of a link."""

from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.accounts import sign_ins
from webapp.accounts.secrets import hash_token, new_token
from webapp.queries import read

CREATE_RESET: Final = text("""
    WITH account AS (
      SELECT id, email FROM users
       WHERE lower(email) = lower(CAST(:email AS text)) AND disabled_at IS NULL AND deleted_at IS NULL),
    older AS (DELETE FROM password_resets r USING account WHERE r.user_id = account.id),
    added AS (INSERT INTO password_resets (token_hash, user_id) SELECT CAST(:token AS bytea), id FROM account)
    SELECT id, email FROM account
""")
"""Adds a link for the account with this address and ends the older ones; no row when there is no such account.

It returns the address as the account has it. Only that one may get the link: an address that differs in letters which
PostgreSQL takes for the same may be the one of somebody else.

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
    ended AS (DELETE FROM sign_ins s USING changed WHERE s.user_id = changed.id),
    tokens AS (DELETE FROM api_tokens t USING changed WHERE t.user_id = changed.id),
    hooks AS (
      UPDATE webhooks w SET disabled_at = now(), failing_since = NULL FROM changed
       WHERE w.user_id = changed.id AND w.disabled_at IS NULL)
    SELECT id FROM changed
""")
"""Uses a link once: sets the password, ends all sign-ins and other links, deletes the API tokens and disables the
webhooks, because somebody else may have made them. A webhook that is disabled without `failing_since` was disabled so.

Of two uses the second finds no row, and so does a repeat after a lost answer: the person signs in with the new
password."""


class NewLink(NamedTuple):
    """A link that was just created: its account, its token, and the address of the account as it is stored."""

    user_id: UUID
    token: str
    email: str


def create(database: Database, email: str) -> NewLink | None:
    """Return a new link for the account with this address, or None without such an account. Raises SQLAlchemyError."""
    token = new_token()
    rows = database.rows(CREATE_RESET, email=email, token=hash_token(token))
    return NewLink(rows[0].id, token, rows[0].email) if rows else None


def find_email(database: Database, token: str) -> str | None:
    """Return the address of the account that a valid link is for, or None. Raises SQLAlchemyError."""
    rows = read(database, FIND_RESET, token=hash_token(token))
    return str(rows[0].email) if rows else None


def use(database: Database, token: str, new_hash: str) -> UUID | None:
    """Set the password and return the account, or None when the link is not valid any more. Raises SQLAlchemyError."""
    rows = database.rows(USE_RESET, token=hash_token(token), hash=new_hash)
    if not rows:
        return None
    user_id: UUID = rows[0].id
    sign_ins.end_all(database, user_id)
    return user_id
