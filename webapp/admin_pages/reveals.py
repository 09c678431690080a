"""Reveals the text of one thought to an administrator. Nothing else shows a foreign text on the web."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

REVEAL: Final = text("""
    WITH shown AS (SELECT id, user_id, text FROM thoughts WHERE id = :thought AND status <> 'deleted'),
    details AS (SELECT jsonb_build_object('thought_id', id, 'reason', CAST(:reason AS text)) AS said FROM shown),
    of_author AS (
      INSERT INTO security_events (user_id, kind, details)
      SELECT user_id, 'text-revealed', said || jsonb_build_object('administrator', CAST(:administrator AS uuid))
        FROM shown, details RETURNING id),
    of_administrator AS (
      INSERT INTO security_events (user_id, kind, address, details)
      SELECT CAST(:administrator AS uuid), 'revealed-text', CAST(:address AS text), said FROM details RETURNING id)
    SELECT shown.user_id, shown.text FROM shown, of_author, of_administrator
""")
"""Returns the text of a thought and writes both security events, in one statement: without the events there is no text.

The author's event has no address, because it is that of the administrator. A repeat after a lost answer writes the
events again, and then they say so too."""

CAN_REVEAL: Final = text("SELECT FROM thoughts WHERE id = :thought AND status <> 'deleted'")
"""Whether a thought has a text."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """The text of a thought, and its author."""

    user_id: UUID
    text: str


def can_reveal(database: Database, thought_id: UUID) -> bool:
    """Return whether the thought exists and was not deleted. Raises SQLAlchemyError."""
    return database.row(CAN_REVEAL, thought=thought_id) is not None


def reveal(database: Database, thought_id: UUID, administrator: UUID, reason: str, address: str) -> Revealed | None:
    """Return the text, once the security logs of author and administrator have it; None when there is no text.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    row = database.row(REVEAL, thought=thought_id, administrator=administrator, reason=reason, address=address)
    return None if row is None else Revealed(row.user_id, row.text)
