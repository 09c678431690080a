"""Changes the password and the e-mail address of an account. Each change ends all sign-ins and links of before."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from webapp.accounts import sign_ins
from webapp.accounts.store import Account
from webapp.queries import read

FIND_BY_ID: Final = text("""
    SELECT id, email, password_hash FROM users
     WHERE id = :user AND email IS NOT NULL AND disabled_at IS NULL AND deleted_at IS NULL
""")
"""Returns an account that may sign in."""

CHANGE_PASSWORD: Final = text("""
    WITH changed AS (
      UPDATE users SET password_hash = :hash
       WHERE id = :user AND password_hash = :present AND disabled_at IS NULL AND deleted_at IS NULL RETURNING id),
    ended AS (DELETE FROM sign_ins s USING changed WHERE s.user_id = changed.id),
    links AS (DELETE FROM password_resets r USING changed WHERE r.user_id = changed.id),
    tokens AS (
      DELETE FROM api_tokens t USING changed WHERE t.user_id = changed.id AND CAST(:deletes_tokens AS boolean))
    SELECT id FROM changed
""")
"""Replaces the hash that the person's present password was compared with, and ends all sign-ins and links; deletes the
API tokens if the person says so.

Of two changes at the same moment one finds another hash and changes nothing. So does a repeat after a lost answer: the
person is signed out by then, and signs in with the new password."""

CHANGE_EMAIL: Final = text("""
    WITH changed AS (
      UPDATE users SET email = CAST(:email AS text)
       WHERE id = :user AND email = :present AND disabled_at IS NULL AND deleted_at IS NULL
         AND NOT EXISTS (SELECT FROM users o WHERE lower(o.email) = lower(CAST(:email AS text)) AND o.id <> :user)
      RETURNING id),
    ended AS (DELETE FROM sign_ins s USING changed WHERE s.user_id = changed.id),
    links AS (DELETE FROM password_resets r USING changed WHERE r.user_id = changed.id)
    SELECT id FROM changed
""")
"""Replaces the address that the change was asked for, unless another account has the new one; ends all sign-ins and
links. A repeat after a lost answer finds the new address and changes nothing."""

REPLACE_HASH: Final = text("""
    UPDATE users SET password_hash = :hash WHERE id = :user AND password_hash = :present RETURNING password_hash
""")
"""Stores the same password with the present parameters of the hash; no row when the password was changed meanwhile, and
when another sign-in or a lost answer has stored it so."""


def find(database: Database, user_id: UUID) -> Account | None:
    """Return the account, or None when it may not sign in any more. Raises SQLAlchemyError."""
    rows = read(database, FIND_BY_ID, user=user_id)
    return Account(rows[0].id, rows[0].email, rows[0].password_hash) if rows else None


def change_password(database: Database, account: Account, new_hash: str, *, deletes_tokens: bool) -> bool:
    """Replace the password; return False when it was changed meanwhile. Raises SQLAlchemyError."""
    values = {"user": account.user_id, "present": account.password_hash, "hash": new_hash}
    if not database.rows(CHANGE_PASSWORD, **values, deletes_tokens=deletes_tokens):
        return False
    sign_ins.end_all(database, account.user_id)
    return True


def change_email(database: Database, user_id: UUID, present: str, new: str) -> bool:
    """Replace the address; return False when another account has it, or when it was changed meanwhile.

    Raises SQLAlchemyError; IntegrityError when another account takes the address at this moment.
    """
    return bool(database.rows(CHANGE_EMAIL, user=user_id, present=present, email=new))


def replace_hash(database: Database, account: Account, new_hash: str) -> str:
    """Store the password's hash with other parameters; return the hash that the account has if nobody else changed it.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    rows = database.rows(REPLACE_HASH, user=account.user_id, present=account.password_hash, hash=new_hash)
    return new_hash if rows else account.password_hash
