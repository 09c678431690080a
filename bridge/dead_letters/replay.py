"""Replay and discard: how a dead letter is closed. One statement each; twice is harmless, only an open one moves."""

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from contracts.database import Database, Row
from contracts.settings import Settings
from contracts.source_headers import encode_bytes

REPLAY_OF_HEADER: Final = "replay-of"
"""The header of a record that was written to the work topic again: the failure id that it had."""

REPLAY: Final = text("""
    WITH c AS (
      SELECT l.failure_id, l.thought_id, l.turn, f.user_id FROM dead_letters l JOIN thoughts f ON f.id = l.thought_id
       WHERE l.failure_id = :failure AND l.state = 'open' AND f.turn = l.turn AND f.status = 'failed'
         FOR UPDATE OF f, l),
    u AS (UPDATE users SET last_turn = last_turn + 1 FROM c WHERE users.id = c.user_id RETURNING users.last_turn),
    t AS (
      UPDATE thoughts t SET status = 'pending', finished_at = NULL, turn = u.last_turn,
             started_at = NULL, step_started_at = NULL, processing_seconds = NULL, error = NULL,
             dispatch_id = t.dispatch_id + 1, attempts = 0, sends = 0, losses = 0, not_before = NULL,
             beat = t.beat + 1, emitted_at = CASE WHEN :emit THEN now() END, emissions = 0
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
"""The thought takes a new turn at the end of its author's line and keeps its saved steps. Its row is locked before the
dead letter's, as a deletion does. State and status are answered as they were before. Outbox rows of this statement and
of RESEND: contracts/outbox.py."""

RESEND: Final = text("""
    WITH d AS (
      UPDATE dead_letters SET state = 'replayed', resolved_at = clock_timestamp()
       WHERE failure_id = :failure AND state = 'open' AND thought_id IS NULL RETURNING value, headers)
    INSERT INTO outbox (topic, value, headers)
    SELECT CAST(:topic AS text), value, jsonb_build_object(
             'original_key', headers->'original_key',
             'original_headers', CAST(:mark AS jsonb) || jsonb_path_query_array(
               COALESCE(headers->'original_headers', '[]'), 'strict $[*] ? (@[0] != "replay-of")'))
      FROM d RETURNING id
""")
"""A record that never was a thought goes to the work topic again with its own key, bytes and headers, behind a header
that says whose replay it is."""

DISCARD: Final = text("""
    WITH d AS (UPDATE dead_letters SET state = 'discarded', resolved_at = clock_timestamp()
                WHERE failure_id = :failure AND state = 'open' RETURNING failure_id)
    SELECT l.state, EXISTS (SELECT FROM d) AS closed FROM dead_letters l WHERE l.failure_id = :failure
""")

NOT_FOUND: Final = "there is no dead letter with this id"


@dataclass(frozen=True, slots=True)
class CloseResult:
    """What was done about one. `is_done` says that it is as it was asked for, now or since before; `is_new`: now."""

    failure_id: str
    succeeded: bool
    changed: bool
    description: str

    def line(self) -> str:
        """One line for a terminal."""
        return f"{self.failure_id}: {self.description}"


def replay(database: Database, failure_id: str, settings: Settings) -> CloseResult:
    """Put a failed thought back at the end of its author's line, or a record back into the work topic.

    Raises SQLAlchemyError; the call may be repeated.
    """
    row = _run_replay(database, settings, failure_id)
    if row is not None and row.turn is None and row.state == "open" and row.is_thought:
        # A repeat that waited for its own first try, whose answer was lost, sees the dead letter as it was before that.
        row = _run_replay(database, settings, failure_id)
    if row is None:
        return CloseResult(failure_id, False, False, NOT_FOUND)
    if row.turn is not None:
        return CloseResult(failure_id, True, True, f"replayed as turn {row.turn}")
    if row.state != "open":
        again = f" as turn {row.replayed_turn}" if row.replayed_turn else ""
        return CloseResult(failure_id, row.state == "replayed", False, f"already {row.state}{again}")
    if row.is_thought:
        return CloseResult(failure_id, False, False, _why_not_replayable(row))
    if row.left_out:
        return CloseResult(failure_id, False, False, f"not replayed: its value is not here ({row.left_out})")
    if row.too_large:
        why = "not replayed: it is larger than an event may be, and the work topic may not even take it again"
        return CloseResult(failure_id, False, False, why)
    return _resend(database, settings, failure_id)


def discard(database: Database, failure_id: str) -> CloseResult:
    """Say that nothing is to be done about it: a failed thought stays failed. Raises SQLAlchemyError."""
    row = database.row(DISCARD, failure=failure_id)
    if row is None:
        return CloseResult(failure_id, False, False, NOT_FOUND)
    if row.closed:
        return CloseResult(failure_id, True, True, "discarded")
    return CloseResult(failure_id, row.state == "discarded", False, f"already {row.state}")


def replay_of_header(failure_id: str) -> list[list[str | None]]:
    """The header of a record that is written again, as `contracts.source_headers` keeps headers."""
    return [[REPLAY_OF_HEADER, encode_bytes(failure_id.encode())]]


def _run_replay(database: Database, settings: Settings, failure_id: str) -> Row | None:
    return database.row(REPLAY, failure=failure_id, topic=settings.kafka_topic, emit=settings.consumes_kafka)


def _resend(database: Database, settings: Settings, failure_id: str) -> CloseResult:
    if not settings.consumes_kafka:
        why = "not replayed: it is a record that no thought was made of, and in batch mode nobody reads the work topic"
        return CloseResult(failure_id, False, False, why)
    mark = json.dumps(replay_of_header(failure_id))
    if database.row(RESEND, failure=failure_id, topic=settings.kafka_topic, mark=mark) is None:
        return CloseResult(failure_id, True, False, "already replayed or discarded just now")
    return CloseResult(failure_id, True, True, "replayed: its record is on the way to the work topic again")


def _why_not_replayable(row: Row) -> str:
    if row.status == "deleted":
        return "not replayed: its thought was deleted by its author"
    if row.status is None:
        return "not replayed: its thought is not in this database"
    return "not replayed: its thought has moved on, perhaps by another replay just now"
