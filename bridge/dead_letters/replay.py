"""Closes a dead letter by replay or discard.

Each is one statement and harmless to repeat, because only an open dead letter changes.
"""

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from contracts.database import Database, Row
from contracts.settings import Settings
from contracts.source_headers import encode_bytes

REPLAY_OF_HEADER: Final = "replay-of"
"""The header of a record that a replay wrote to the work topic: the failure id of its dead letter."""

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

The thought's row is locked before the dead letter's, in the same order as by a deletion. State and status are returned
as they were before the statement. Outbox rows of this statement and of RESEND: contracts/outbox.py.
"""

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
"""Writes a record that never became a thought to the work topic again, with its own key, bytes and headers after the
header `replay-of`."""

DISCARD: Final = text("""
    WITH d AS (UPDATE dead_letters SET state = 'discarded', resolved_at = clock_timestamp()
                WHERE failure_id = :failure AND state = 'open' RETURNING failure_id)
    SELECT l.state, EXISTS (SELECT FROM d) AS closed FROM dead_letters l WHERE l.failure_id = :failure
""")
"""Closes an open dead letter, and returns its former state; no row when there is none."""

NOT_FOUND: Final = "there is no dead letter with this id"


@dataclass(frozen=True, slots=True)
class CloseResult:
    """The result of one replay or discard.

    `succeeded` says that the dead letter is in the requested state, `changed` that this call brought it there.
    """

    failure_id: str
    succeeded: bool
    changed: bool
    description: str

    def line(self) -> str:
        """Return one line for a terminal."""
        return f"{self.failure_id}: {self.description}"


def replay(database: Database, failure_id: str, settings: Settings) -> CloseResult:
    """Give a failed thought a new turn at the end of its user's line, or write a record to the work topic again.

    Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be repeated.
    """
    row = _run_replay(database, settings, failure_id)
    if row is not None and row.turn is None and row.state == "open" and row.is_thought:
        # After a lost answer, a repeat that waited for the commit of the first try still sees the rows as before it.
        row = _run_replay(database, settings, failure_id)
    if row is None or row.state != "open":
        return _already_closed(failure_id, row)
    if row.turn is not None:
        return CloseResult(failure_id, True, True, f"replayed as turn {row.turn}")
    if row.is_thought:
        return CloseResult(failure_id, False, False, _why_not_replayable(row))
    if row.left_out:
        return CloseResult(failure_id, False, False, f"not replayed: its value was not stored ({row.left_out})")
    if row.too_large:
        reason = "not replayed: it is larger than an event may be, and the work topic might reject it"
        return CloseResult(failure_id, False, False, reason)
    return _resend(database, settings, failure_id)


def discard(database: Database, failure_id: str) -> CloseResult:
    """Close a dead letter without a replay; a failed thought stays failed.

    Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be repeated.
    """
    row = database.row(DISCARD, failure=failure_id)
    if row is None:
        return CloseResult(failure_id, False, False, NOT_FOUND)
    if row.closed:
        return CloseResult(failure_id, True, True, "discarded")
    return CloseResult(failure_id, row.state == "discarded", False, f"already {row.state}")


def replay_of_header(failure_id: str) -> list[list[str | None]]:
    """Return the header `replay-of` in the form in which `contracts.source_headers` stores headers."""
    return [[REPLAY_OF_HEADER, encode_bytes(failure_id.encode())]]


def _run_replay(database: Database, settings: Settings, failure_id: str) -> Row | None:
    return database.row(REPLAY, failure=failure_id, topic=settings.kafka_topic, emit=settings.consumes_kafka)


def _resend(database: Database, settings: Settings, failure_id: str) -> CloseResult:
    if not settings.consumes_kafka:
        reason = "not replayed: it is a record that never became a thought, and in batch mode no bridge reads records"
        return CloseResult(failure_id, False, False, reason)
    mark = json.dumps(replay_of_header(failure_id))
    if database.row(RESEND, failure=failure_id, topic=settings.kafka_topic, mark=mark) is None:
        return _already_closed(failure_id, _run_replay(database, settings, failure_id))
    return CloseResult(failure_id, True, True, "replayed: its record is being written to the work topic again")


def _already_closed(failure_id: str, row: Row | None) -> CloseResult:
    """Return the result for a dead letter that is not open; `row` is None when it does not exist."""
    if row is None:
        return CloseResult(failure_id, False, False, NOT_FOUND)
    turn = f" as turn {row.replayed_turn}" if row.replayed_turn else ""
    return CloseResult(failure_id, row.state == "replayed", False, f"already {row.state}{turn}")


def _why_not_replayable(row: Row) -> str:
    if row.status == "deleted":
        return "not replayed: its thought was deleted by its author"
    if row.status is None:
        return "not replayed: its thought is not in this database"
    return "not replayed: its thought is no longer failed in this turn, perhaps because of another replay"
