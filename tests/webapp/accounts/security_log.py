"""Reads the security log."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

EVENTS = text("""
    SELECT kind, address, details FROM security_events
     WHERE CAST(:user AS uuid) IS NULL OR user_id = CAST(:user AS uuid) ORDER BY id
""")


def events(database: Database, user_id: UUID | None = None) -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, address and details of the events of a user, or of all, the first one first."""
    return [(row.kind, row.address, row.details) for row in database.rows(EVENTS, user=user_id)]


def kinds(database: Database, user_id: UUID | None = None) -> list[str]:
    """Return the kinds of the events of a user, or of all, the first one first."""
    return [kind for kind, _, _ in events(database, user_id)]
