"""Sign-ins: who is signed in with which browser, for Flask-Login.

The cookie holds a random token, and PostgreSQL its hash, so that a sign-in can be ended from elsewhere. Each sign-in
has a new token, which makes a planted cookie worthless.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask_login import UserMixin
from sqlalchemy import text

from contracts.database import Database, Row
from webapp.accounts.secrets import hash_token, new_token
from webapp.ids import new_id
from webapp.queries import read

IDLE_LIMIT: Final = timedelta(days=14)
"""How long a sign-in lasts without a request."""

ABSOLUTE_LIMIT: Final = timedelta(days=90)
"""How long a sign-in lasts at most."""

FRESH: Final = timedelta(hours=1)
"""How long after a sign-in an administrator may act as one, and a person create a token without the password."""

MAX_USER_AGENT_LENGTH: Final = 300

_LIMITS: Final = {"absolute": ABSOLUTE_LIMIT, "idle": IDLE_LIMIT}

FIND_SIGN_IN: Final = text("""
    SELECT s.id AS sign_in_id, u.id, u.email, u.password_hash, u.is_admin,
           s.created_at > now() - CAST(:fresh AS interval) AS is_fresh,
           s.last_used_at < now() - interval '5 minutes' AS is_due_for_touch
      FROM sign_ins s JOIN users u ON u.id = s.user_id
     WHERE s.token_hash = :token AND s.created_at > now() - CAST(:absolute AS interval)
       AND s.last_used_at > now() - CAST(:idle AS interval) AND u.disabled_at IS NULL AND u.deleted_at IS NULL
""")
"""Returns the account of a sign-in that has not ended."""

TOUCH_SIGN_IN: Final = text("UPDATE sign_ins SET last_used_at = now() WHERE id = :id")
"""Notes that a sign-in is used, at most every five minutes: a write with each request would be too many."""

INSERT_SIGN_IN: Final = text("""
    INSERT INTO sign_ins (id, user_id, token_hash, user_agent)
    SELECT CAST(:id AS uuid), id, CAST(:token AS bytea), CAST(:user_agent AS text)
      FROM users
     WHERE id = :user AND password_hash = CAST(:verified AS text)
       AND disabled_at IS NULL AND deleted_at IS NULL AND NOT is_anonymous FOR SHARE
""")
"""Begins a sign-in of an account that may sign in, while its password is the one that was verified.

It waits for a change of the password that has not committed, and then begins nothing. A change that waits for it ends
it with the next statement: see DELETE_SIGN_INS."""

LIST_SIGN_INS: Final = text("""
    SELECT id, created_at, last_used_at, user_agent FROM sign_ins
     WHERE user_id = :user AND created_at > now() - CAST(:absolute AS interval)
       AND last_used_at > now() - CAST(:idle AS interval)
     ORDER BY last_used_at DESC, id LIMIT 200
""")
"""Returns the sign-ins of an account that have not ended, the one that was used last first."""

DELETE_SIGN_IN_OF: Final = text("DELETE FROM sign_ins WHERE id = :id AND user_id = :user RETURNING id")
"""Ends a sign-in of an account; one of another account stays. No row when there was none."""

DELETE_ENDED: Final = text("""
    DELETE FROM sign_ins WHERE user_id = :user AND (created_at <= now() - CAST(:absolute AS interval)
                                                    OR last_used_at <= now() - CAST(:idle AS interval))
""")
"""Removes the sign-ins of an account that are over."""

DELETE_SIGN_IN: Final = text("DELETE FROM sign_ins WHERE token_hash = :token")
"""Ends the sign-in of one browser."""

DELETE_SIGN_INS: Final = text("DELETE FROM sign_ins WHERE user_id = :user")
"""Ends all sign-ins of an account. It may be repeated.

It also follows each change of the password: a sign-in that the change waited for is younger than what its statement
can see."""


@dataclass(frozen=True, eq=False)
class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """The account of this request's sign-in, as Flask-Login's user."""

    user_id: UUID
    email: str
    is_admin: bool
    sign_in_id: UUID
    token: str
    password_hash: str = field(repr=False)
    """The hash that was the account's when the sign-in was found."""
    is_fresh: bool
    """Whether the sign-in began within the last hour."""

    def get_id(self) -> str:
        """Return what the cookie holds: the token, not the user's id, so that the sign-in can be ended."""
        return self.token


def begin(database: Database, user_id: UUID, verified_hash: str, user_agent: str) -> str:
    """Begin a sign-in and return its token, which is worth nothing when `verified_hash` is not the account's any more.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    token = new_token()
    agent = user_agent[:MAX_USER_AGENT_LENGTH]
    database.rows(DELETE_ENDED, user=user_id, **_LIMITS)
    values = {"id": new_id(), "user": user_id, "token": hash_token(token), "user_agent": agent}
    database.rows(INSERT_SIGN_IN, **values, verified=verified_hash)
    return token


def find(database: Database, token: str) -> SignedIn | None:
    """Return the account of a token, or None when the sign-in has ended. Raises SQLAlchemyError."""
    rows: list[Any] = read(database, FIND_SIGN_IN, token=hash_token(token), fresh=FRESH, **_LIMITS)
    if not rows:
        return None
    row = rows[0]
    if row.is_due_for_touch:
        database.rows(TOUCH_SIGN_IN, id=row.sign_in_id)
    return SignedIn(row.id, row.email, row.is_admin, row.sign_in_id, token, row.password_hash, row.is_fresh)


def sign_ins_of(database: Database, user_id: UUID) -> list[Row]:
    """Return id, created_at, last_used_at and user_agent of the sign-ins that have not ended.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    return read(database, LIST_SIGN_INS, user=user_id, **_LIMITS)


def end_one(database: Database, user_id: UUID, sign_in_id: UUID) -> bool:
    """End a sign-in of this account; return False when it is over or another one's. Raises SQLAlchemyError."""
    return database.row(DELETE_SIGN_IN_OF, id=sign_in_id, user=user_id) is not None


def end(database: Database, token: str) -> None:
    """End one sign-in. Ending it again is harmless. Raises SQLAlchemyError."""
    database.rows(DELETE_SIGN_IN, token=hash_token(token))


def end_all(database: Database, user_id: UUID) -> None:
    """End all sign-ins of an account, on every device. Raises SQLAlchemyError."""
    database.rows(DELETE_SIGN_INS, user=user_id)
