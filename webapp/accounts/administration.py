"""What an operator does to accounts: each change and its security event are one statement."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row

_ACCOUNT: Final = "NOT is_anonymous AND deleted_at IS NULL"

_COLUMNS: Final = """id, email, is_admin, disabled_at, created_at,
           (SELECT max(last_used_at) FROM sign_ins WHERE user_id = users.id) AS last_used_at"""

LIST_ACCOUNTS: Final = text(f"""
    SELECT {_COLUMNS} FROM users WHERE {_ACCOUNT} AND (is_admin OR NOT CAST(:admins_only AS boolean))
     ORDER BY created_at, id LIMIT CAST(:rows AS int) OFFSET CAST(:skip AS int)
""")  # noqa: S608  all parts are constants
"""A page of the accounts, the oldest first."""

FIND_ACCOUNT: Final = text(f"""
    SELECT {_COLUMNS} FROM users
     WHERE {_ACCOUNT} AND (id = CAST(:id AS uuid) OR lower(email) = lower(CAST(:email AS text)))
""")  # noqa: S608  all parts are constants
"""The account with this id or e-mail address, also a disabled one."""

_EVENT: Final = """
    INSERT INTO security_events (user_id, kind, details)
    SELECT id, CAST(:kind AS text), CAST(:details AS jsonb) FROM changed RETURNING user_id
"""

SET_ADMIN: Final = text(f"""
    WITH changed AS (
      UPDATE users SET is_admin = CAST(:is_admin AS boolean)
       WHERE id = :user AND {_ACCOUNT} AND is_admin <> CAST(:is_admin AS boolean) RETURNING id)
    {_EVENT}
""")  # noqa: S608  all parts are constants
"""Makes an account an administrator, or none any more; no row when it is that already. Every request reads the column,
so the change counts at once."""

DISABLE: Final = text(f"""
    WITH changed AS (
      UPDATE users SET disabled_at = now() WHERE id = :user AND {_ACCOUNT} AND disabled_at IS NULL RETURNING id),
    ended AS (DELETE FROM sign_ins USING changed WHERE sign_ins.user_id = changed.id),
    voided AS (DELETE FROM password_resets USING changed WHERE password_resets.user_id = changed.id)
    {_EVENT}
""")  # noqa: S608  all parts are constants
"""Disables an account, and ends its sign-ins and links that reset its password; no row when it is disabled already.

A sign-in that begins at this moment counts for nothing, and neither do tokens, because both are only valid while
`disabled_at` is NULL. Tokens are kept, so that programs work again when the account is enabled."""

ENABLE: Final = text(f"""
    WITH changed AS (
      UPDATE users SET disabled_at = NULL WHERE id = :user AND {_ACCOUNT} AND disabled_at IS NOT NULL RETURNING id),
    ended AS (DELETE FROM sign_ins USING changed WHERE sign_ins.user_id = changed.id)
    {_EVENT}
""")  # noqa: S608  all parts are constants
"""Enables a disabled account; no row when it is enabled. A sign-in that began while it was being disabled ends."""

_BY_OPERATOR: Final = json.dumps({"by": "operator"})


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as operators see it; `last_used_at` is the last request of a sign-in that exists."""

    id: UUID
    email: str
    is_admin: bool
    disabled_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


def accounts(database: Database, *, admins_only: bool, limit: int, offset: int) -> list[ListedAccount]:
    """Return a page of the accounts, the oldest first. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    rows = database.rows(LIST_ACCOUNTS, admins_only=admins_only, rows=limit, skip=offset)
    return [_account(row) for row in rows]


def find(database: Database, name: str) -> ListedAccount | None:
    """Return the account with this id or e-mail address, or None. Raises SQLAlchemyError."""
    row = database.row(FIND_ACCOUNT, id=_uuid(name), email=name)
    return None if row is None else _account(row)


def set_admin(database: Database, user_id: UUID, *, is_admin: bool) -> bool:
    """Make an account an administrator, or none any more; return False when it is that already.

    Raises SQLAlchemyError; the call may be repeated.
    """
    kind = "made-admin" if is_admin else "removed-admin"
    return bool(database.rows(SET_ADMIN, user=user_id, is_admin=is_admin, kind=kind, details=_BY_OPERATOR))


def disable(database: Database, user_id: UUID) -> bool:
    """Disable an account; return False when it is disabled already. Raises SQLAlchemyError; it may be repeated."""
    return bool(database.rows(DISABLE, user=user_id, kind="account-disabled", details=_BY_OPERATOR))


def enable(database: Database, user_id: UUID) -> bool:
    """Enable a disabled account; return False when it is enabled. Raises SQLAlchemyError; it may be repeated."""
    return bool(database.rows(ENABLE, user=user_id, kind="account-enabled", details=_BY_OPERATOR))


def _account(row: Row) -> ListedAccount:
    return ListedAccount(row.id, row.email, row.is_admin, row.disabled_at, row.created_at, row.last_used_at)


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
