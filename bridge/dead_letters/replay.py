"""Closes a dead letter by replay or discard.

Each is one statement and harmless to repeat, because only an open dead letter changes.
"""

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from contracts.database import Database, Row
from contracts.replay import replay_thought
from contracts.settings import Settings
from contracts.source_headers import encode_bytes

REPLAY_OF_HEADER: Final = "replay-of"
"""The header of a record that a replay wrote to the work topic: the failure id of its dead letter."""

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
header `replay-of`. contracts/outbox.py describes this outbox row."""

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
    row = replay_thought(database, settings, failure_id)
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


def _resend(database: Database, settings: Settings, failure_id: str) -> CloseResult:
    if not settings.consumes_kafka:
        reason = "not replayed: it is a record that never became a thought, and in batch mode no bridge reads records"
        return CloseResult(failure_id, False, False, reason)
    mark = json.dumps(replay_of_header(failure_id))
    if database.row(RESEND, failure=failure_id, topic=settings.kafka_topic, mark=mark) is None:
        return _already_closed(failure_id, replay_thought(database, settings, failure_id))
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
