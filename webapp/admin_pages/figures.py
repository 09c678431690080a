"""Reads what administrators see of the whole installation: numbers and dead letters, never a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from contracts.database import Database
from webapp.queries import read

PAGE_LENGTH: Final = 25
"""Dead letters on a page."""

COUNT_THOUGHTS: Final = text("SELECT status, count(*) AS number FROM thoughts GROUP BY status ORDER BY status")
"""How many thoughts there are by status, deleted ones included. It reads the whole table."""

COUNT_USERS: Final = text("""
    SELECT count(*) AS users, count(*) FILTER (WHERE is_account) AS accounts,
           count(*) FILTER (WHERE is_account AND is_admin) AS administrators,
           count(*) FILTER (WHERE is_account AND disabled_at IS NOT NULL) AS disabled
      FROM (SELECT *, NOT is_anonymous AND deleted_at IS NULL AS is_account FROM users) counted
""")
"""How many users there are, anonymous ones included, and how many accounts. It reads the whole table."""

OPEN_DEAD_LETTERS: Final = text("""
    SELECT l.failure_id, l.created_at, l.reason, l.thought_id, l.turn,
           COALESCE(l.headers->>'agent', '') AS agent, COALESCE(l.headers->>'error_class', '') AS error_class,
           COALESCE(CAST(l.headers->>'attempts' AS int), 0) AS attempts,
           COALESCE(t.status <> 'deleted', false) AS has_text
      FROM dead_letters l LEFT JOIN thoughts t ON t.id = l.thought_id
     WHERE l.state = 'open'
       AND (CAST(:after AS text) IS NULL OR (l.created_at, l.failure_id) <
            (SELECT created_at, failure_id FROM dead_letters WHERE failure_id = CAST(:after AS text)))
     ORDER BY l.created_at DESC, l.failure_id DESC LIMIT CAST(:rows AS int)
""")
"""The latest open dead letters after one of them. It selects no value and none of the keys in
`contracts.dead_letters.PERSONAL_KEYS`, which may hold text of the author."""


@dataclass(frozen=True, slots=True)
class UserCounts:
    """Numbers of users; accounts are users with an e-mail address that were not deleted."""

    users: int
    accounts: int
    administrators: int
    disabled: int


@dataclass(frozen=True, slots=True)
class OpenDeadLetter:
    """A dead letter without its value, message and stack. `has_text` says whether its thought has a text."""

    failure_id: str
    created_at: datetime
    reason: str
    thought_id: UUID | None
    turn: int | None
    agent: str
    error_class: str
    attempts: int
    has_text: bool


def thoughts_by_status(database: Database) -> Mapping[str, int] | None:
    """Return the number of thoughts by status, or None when there are too many to count in time."""
    try:
        return {row.status: row.number for row in read(database, COUNT_THOUGHTS)}
    except OperationalError:
        return None


def user_counts(database: Database) -> UserCounts | None:
    """Return the numbers of users, or None when there are too many to count in time."""
    try:
        row = read(database, COUNT_USERS)[0]
    except OperationalError:
        return None
    return UserCounts(row.users, row.accounts, row.administrators, row.disabled)


def open_dead_letters(database: Database, after: str | None) -> tuple[list[OpenDeadLetter], str | None]:
    """Return the latest open dead letters after a failure id, and the one after which the others follow, or None.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    rows = read(database, OPEN_DEAD_LETTERS, after=after, rows=PAGE_LENGTH + 1)
    letters = [OpenDeadLetter(*row) for row in rows[:PAGE_LENGTH]]
    return letters, letters[-1].failure_id if len(rows) > PAGE_LENGTH else None
