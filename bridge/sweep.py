"""Sweep: thoughts that nobody has worked on for minutes are emitted again, whatever Kafka or a bridge forgot.

One record a user, of the newest open thought: ringing once works off the whole line. The pauses between two
emissions of a thought double from 5 minutes to over 5 hours.
"""

from typing import Final

from sqlalchemy import text

from contracts.database import Database

SWEEP_SECONDS: Final = 60.0

SWEEP: Final = text("""
    WITH line AS (SELECT DISTINCT ON (user_id) id, user_id, turn FROM thoughts
                   WHERE finished_at IS NULL ORDER BY user_id, turn DESC),
    quiet AS (
      SELECT t.id FROM line JOIN thoughts t ON t.id = line.id AND t.turn = line.turn
       WHERE t.finished_at IS NULL
         AND COALESCE(t.emitted_at, t.created_at) < now() - interval '5 min' * 2 ^ LEAST(t.emissions, 6)
         AND NOT EXISTS (SELECT FROM thoughts b WHERE b.user_id = t.user_id AND b.finished_at IS NULL
                            AND b.beat_at > now() - interval '1 min')
       ORDER BY t.id LIMIT 500 FOR UPDATE OF t SKIP LOCKED),
    e AS (UPDATE thoughts t SET emitted_at = now(), emissions = t.emissions + 1
            FROM quiet WHERE t.id = quiet.id RETURNING t.user_id, t.turn, t.event)
    INSERT INTO outbox (topic, key, turn, value)
    SELECT CAST(:topic AS text), user_id::text, turn, event FROM e RETURNING turn
""")


def sweep(database: Database, topic: str) -> int:
    """Write outbox rows for quiet lines and say how many. Two at once share the work: neither waits nor repeats."""
    return len(database.rows(SWEEP, topic=topic))
