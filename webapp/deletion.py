"""Deleting a thought: its words and results go, its row stays as a tombstone.

Without the row an old record of the thought, still in Kafka, would be another producer's new thought. What stands in
Kafka's topics, and the doorbell that still waits for Kafka, leaves them when their retention ends.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database

OWNER: Final = text("SELECT user_id FROM thoughts WHERE id = :id")

_ERASE_REST: Final = """
    runs AS (DELETE FROM agent_runs USING gone WHERE thought_id = gone.id),
    letters AS (
      SELECT failure_id FROM dead_letters JOIN gone ON thought_id = gone.id
       UNION ALL
      SELECT failure_id FROM dead_letters JOIN gone ON headers->>'thought_id' = gone.id::text
                                                   AND headers->>'user_id' = gone.user_id::text
       WHERE thought_id IS NULL),
    unsent AS (
      UPDATE outbox o SET value = '', headers = o.headers - '{message,stack,original_key,original_headers}'::text[]
        FROM letters WHERE o.failure_id = letters.failure_id)
    UPDATE dead_letters l
       SET value = '', headers = l.headers - '{message,stack,original_key,original_headers}'::text[],
           state = 'discarded', resolved_at = COALESCE(l.resolved_at, clock_timestamp())
      FROM letters WHERE l.failure_id = letters.failure_id
"""
"""Results, and dead letters wherever they wait. A record that was refused before its thought was stored has its words,
too, and names it in its headers."""

DELETE_THOUGHT: Final = text(f"""
    WITH gone AS (
      UPDATE thoughts
         SET status = 'deleted', finished_at = COALESCE(finished_at, clock_timestamp()), text = '', event = '',
             headers = NULL, error = NULL, origin = NULL, call_id = NULL, not_before = NULL,
             dispatch_id = dispatch_id + 1, beat = beat + 1, beat_at = clock_timestamp()
       WHERE id = :id AND status <> 'deleted' RETURNING id, user_id),
    {_ERASE_REST}
""")  # noqa: S608  all parts are constants
"""The new token and the missing call id fence whoever works on it; the next thought of the line may begin."""

ERASE_LATE_RESULTS: Final = text(f"""
    WITH gone AS (SELECT id, user_id FROM thoughts WHERE id = :id AND status = 'deleted'),
    {_ERASE_REST}
""")  # noqa: S608  all parts are constants
"""Once more, after the fence: a result that was being saved, or a failure, would not be seen by the first one."""


def owner_of(database: Database, thought_id: UUID) -> UUID | None:
    """Whose thought this is or was; None when there never was one. Raises SQLAlchemyError."""
    row = database.row(OWNER, id=thought_id)
    return None if row is None else row.user_id


def delete(database: Database, thought_id: UUID) -> None:
    """Make a tombstone of the thought. Twice is harmless. Raises SQLAlchemyError; it is then to be asked again."""
    database.rows(DELETE_THOUGHT, id=thought_id)
    database.rows(ERASE_LATE_RESULTS, id=thought_id)
