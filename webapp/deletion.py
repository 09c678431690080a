"""Deletes a thought: erases its text and results, and keeps its row with the status `deleted`.

Without the row, an old Kafka record of the thought would count as a new thought of an external producer. Records in
Kafka, and one that still waits in the outbox, disappear when the retention of their topic ends.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from contracts.dead_letters import PERSONAL_KEYS

OWNER: Final = text("SELECT user_id FROM thoughts WHERE id = :id")
"""The user of a thought, also of a deleted one."""

ERASE_LETTERS: Final = f"""
    unsent AS (
      UPDATE outbox o SET value = '', headers = o.headers - '{PERSONAL_KEYS}'::text[]
        FROM letters WHERE o.failure_id = letters.failure_id)
    UPDATE dead_letters l
       SET value = '', headers = l.headers - '{PERSONAL_KEYS}'::text[],
           state = 'discarded', resolved_at = COALESCE(l.resolved_at, clock_timestamp())
      FROM letters WHERE l.failure_id = letters.failure_id
"""  # noqa: S608  all parts are constants
"""Ends a statement whose `letters` are the failure ids of dead letters: erases them in the table and in the outbox."""

_ERASE_REST: Final = f"""
    runs AS (DELETE FROM agent_runs USING gone WHERE thought_id = gone.id),
    vectors AS (DELETE FROM thought_vectors USING gone WHERE thought_id = gone.id),
    deliveries AS (
      DELETE FROM webhook_deliveries d USING gone, webhooks w
       WHERE w.user_id = gone.user_id AND d.webhook_id = w.id AND d.event->>'thought_id' = gone.id::text),
    letters AS (
      SELECT failure_id FROM dead_letters JOIN gone ON thought_id = gone.id
       UNION ALL
      SELECT failure_id FROM dead_letters JOIN gone ON headers->>'thought_id' = gone.id::text
                             AND headers->>'user_id' IN (SELECT id::text FROM users
                                                          WHERE id = gone.user_id OR account_id = gone.user_id)
       WHERE thought_id IS NULL),
    {ERASE_LETTERS}
"""  # noqa: S608  all parts are constants
"""Erases the results, the vector, what waits for webhooks (the message of a failure may quote the text), and the dead
letters in the table and in the outbox. A record that was dead-lettered before its thought was stored holds the text
too; its headers name the thought, and its user or the anonymous user that has joined this account since."""

DELETE_THOUGHT: Final = text(f"""
    WITH gone AS (
      UPDATE thoughts
         SET status = 'deleted', finished_at = COALESCE(finished_at, clock_timestamp()), text = '', event = '',
             headers = NULL, error = NULL, origin = NULL, call_id = NULL, not_before = NULL, waiting = NULL,
             dispatch_id = dispatch_id + 1, beat = beat + 1, beat_at = clock_timestamp()
       WHERE id = :id AND status <> 'deleted' RETURNING id, user_id),
    said AS (
      INSERT INTO security_events (user_id, kind, address, details)
      SELECT user_id, 'thought-deleted', CAST(:address AS text), jsonb_build_object('thought_id', id) FROM gone
       WHERE CAST(:address AS text) IS NOT NULL),
    {_ERASE_REST}
""")  # noqa: S608  all parts are constants
"""The new token and the missing call id fence the worker; the next thought of the line may begin.

The security log gets the event unless `address` is NULL, as in the deletion of an account. A repeat after a lost answer
finds the thought deleted, and adds no event."""

ERASE_LATE_RESULTS: Final = text(f"""
    WITH gone AS (SELECT id, user_id FROM thoughts WHERE id = :id AND status = 'deleted'),
    {_ERASE_REST}
""")  # noqa: S608  all parts are constants
"""Erases again, after the fence: DELETE_THOUGHT does not see a result, failure or vector that was just being saved."""


def owner_of(database: Database, thought_id: UUID) -> UUID | None:
    """Return the owner of a thought, also of a deleted one, or None when the id is unknown.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    row = database.row(OWNER, id=thought_id)
    return None if row is None else row.user_id


def delete(database: Database, thought_id: UUID, address: str | None = None) -> None:
    """Erase the thought's text and results. Deleting it again is harmless.

    With the network address of the client, which may be empty, the deletion is in the security log of its owner.

    Raises SQLAlchemyError when PostgreSQL is unavailable; the caller should then repeat the call.
    """
    database.rows(DELETE_THOUGHT, id=thought_id, address=address)
    database.rows(ERASE_LATE_RESULTS, id=thought_id)
