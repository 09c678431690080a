"""Replays a failed thought: gives it a new turn at the end of its user's line, where it resumes at the failed step.

An operator replays an open dead letter (`bridge/dead_letters/replay.py`). The author may also retry it after an
operator discarded its dead letter, or after cancelling it, which leaves a discarded one (`webapp/retrying.py`).
"""

from typing import Final

from sqlalchemy import text

from contracts.database import Database, Row
from contracts.settings import Settings

REPLAY: Final = text("""
    WITH c AS (
      SELECT l.failure_id, l.thought_id, l.turn, f.user_id FROM dead_letters l JOIN thoughts f ON f.id = l.thought_id
       WHERE l.failure_id = :failure AND l.state = ANY (CAST(:states AS text[]))
         AND f.turn = l.turn AND f.status = 'failed'
         FOR UPDATE OF f, l),
    u AS (UPDATE users SET last_turn = last_turn + 1 FROM c WHERE users.id = c.user_id RETURNING users.last_turn),
    t AS (
      UPDATE thoughts t SET status = 'pending', finished_at = NULL, turn = u.last_turn,
             started_at = NULL, step_started_at = NULL, processing_seconds = NULL, error = NULL,
             dispatch_id = t.dispatch_id + 1, attempts = 0, sends = 0, losses = 0, not_before = NULL,
             service_failures = 0,
             beat = t.beat + 1, emitted_at = CASE WHEN :emit THEN now() END, emissions = 0,
             waiting = NULL
        FROM c, u WHERE t.id = c.thought_id AND t.turn = c.turn AND t.status = 'failed'
      RETURNING t.user_id, t.turn, t.event, t.headers),
    d AS (
      UPDATE dead_letters l SET state = 'replayed', resolved_at = clock_timestamp(), replayed_turn = t.turn
        FROM c, t WHERE l.failure_id = c.failure_id),
    o AS (INSERT INTO outbox (topic, key, turn, value, headers)
          SELECT CAST(:topic AS text), user_id::text, turn, event, headers FROM t WHERE :emit)
    SELECT (SELECT turn FROM t) AS turn, l.state, l.replayed_turn, l.thought_id IS NOT NULL AS is_thought,
           l.headers->>'value_left_out' AS left_out, l.headers->>'error_class' = 'TooLarge' AS too_large,
           (SELECT status FROM thoughts WHERE id = l.thought_id) AS status
      FROM dead_letters l WHERE l.failure_id = :failure
""")
"""Gives the thought a new turn at the end of its user's line; it keeps its saved steps.

Only a dead letter in one of the `states` is replayed, so a repeat changes nothing. The thought's row is locked before
the dead letter's, in the same order as by a deletion. State and status are returned as they were before the statement.
Its outbox row: contracts/outbox.py.
"""

OPEN: Final = ("open",)
"""The state of the dead letters that an operator replays."""

OPEN_OR_DISCARDED: Final = ("open", "discarded")
"""The states of the dead letters whose thoughts their author may retry."""


def replay_thought(
    database: Database, settings: Settings, failure_id: str, states: tuple[str, ...] = OPEN
) -> Row | None:
    """Replay the thought of a dead letter in one of the states; return REPLAY's row, None when there is none.

    Its `turn` is None when nothing was replayed. Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be
    repeated.
    """
    row = _execute(database, settings, failure_id, states)
    if row is not None and row.turn is None and row.state in states and row.is_thought:
        # After a lost answer, a repeat that waited for the commit of the first try still sees the rows as before it.
        row = _execute(database, settings, failure_id, states)
    return row


def _execute(database: Database, settings: Settings, failure_id: str, states: tuple[str, ...]) -> Row | None:
    emit = settings.consumes_kafka
    return database.row(REPLAY, failure=failure_id, states=list(states), topic=settings.kafka_topic, emit=emit)
