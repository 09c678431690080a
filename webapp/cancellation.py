"""Cancels the analysis of a thought at its author's wish: it fails with the kind `cancelled`, and keeps its results.

A cancelled thought is terminal, so the next one of the line begins, and its author can retry it.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row
from contracts.dead_letters import CANCELLED, failure_headers
from contracts.events import ThoughtFailed, thought_failed
from contracts.settings import Settings

CANCEL: Final = text("""
    WITH t AS (
      UPDATE thoughts
         SET status = 'failed', finished_at = clock_timestamp(), call_id = NULL, not_before = NULL, waiting = NULL,
             error = CAST(:error AS jsonb), dispatch_id = dispatch_id + 1, beat = beat + 1,
             beat_at = clock_timestamp(), step_started_at = CASE WHEN attempts > 0 THEN step_started_at END
       WHERE id = :id AND turn = :turn AND finished_at IS NULL
      RETURNING id, user_id, turn, origin, headers),
    d AS (
      INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers, state, resolved_at)
      SELECT id || ':' || turn, id, turn, :reason, '',
             CAST(:headers AS jsonb) || jsonb_build_object('origin', origin), 'discarded', clock_timestamp()
        FROM t
          ON CONFLICT (failure_id) DO UPDATE SET state = 'discarded', reason = EXCLUDED.reason, value = EXCLUDED.value,
             headers = EXCLUDED.headers, resolved_at = EXCLUDED.resolved_at, replayed_turn = NULL),
    o AS (
      INSERT INTO outbox (topic, key, turn, value, headers)
      SELECT CAST(:topic AS text), user_id::text, turn, CAST(:event AS bytea),
             CASE WHEN headers->'tracing' IS NOT NULL
                  THEN jsonb_build_object('original_headers', headers->'tracing') END
        FROM t WHERE :emit)
    SELECT EXISTS (SELECT FROM t) AS cancelled, turn, status, finished_at IS NULL AS is_open, error->>'kind' AS kind
      FROM thoughts WHERE id = :id
""")
"""Fails a thought that is open in this turn. The new token and the missing call id fence the worker.

The dead letter proves that this turn has ended, which Decide and the audit need once the thought has another turn. It
is discarded from the start and never published, because nobody needs to look at it; it holds no text. One of the same
turn exists only where the table was rebuilt from the topic after PostgreSQL was restored from an older backup.

`step_started_at` is that of the next step only after a call of it was begun; otherwise the audit would take the start
of the step before for a call out of order. The columns are returned as they were before the statement. The outbox row:
contracts/outbox.py.
"""

MESSAGE: Final = "The author cancelled the analysis."


class CancelOutcome(Enum):
    """What became of a cancellation."""

    CANCELLED = "this call has cancelled it"
    ALREADY_CANCELLED = "it was cancelled before, and nothing was changed"
    ENDED = "it had ended otherwise, and nothing was changed"
    MOVED_ON = "it has another turn by now, and nothing was changed"


@dataclass(frozen=True, slots=True)
class CancelResult:
    """The outcome, and the event to publish if this call has cancelled the thought."""

    outcome: CancelOutcome
    event: ThoughtFailed | None = None


def cancel(database: Database, settings: Settings, user_id: UUID, thought_id: UUID, turn: int) -> CancelResult:
    """Cancel a thought that is open in this turn; repeating it changes nothing.

    Raises SQLAlchemyError when PostgreSQL is unavailable; the call may be repeated.
    """
    event = thought_failed(user_id, thought_id, turn, agent="", kind=CANCELLED, message=MESSAGE, attempts=0)
    row = _execute(database, settings, thought_id, turn, event)
    if row is not None and not row.cancelled and row.is_open and row.turn == turn:
        # The statement waited for another one, perhaps for its own first try, and still sees the row as before that.
        row = _execute(database, settings, thought_id, turn, event)
    outcome = _outcome(row, turn)
    return CancelResult(outcome, event if outcome is CancelOutcome.CANCELLED else None)


def _outcome(row: Row | None, turn: int) -> CancelOutcome:
    if row is None:
        return CancelOutcome.ENDED
    if row.cancelled:
        return CancelOutcome.CANCELLED
    if row.turn != turn:
        return CancelOutcome.MOVED_ON
    is_cancelled = row.status == "failed" and row.kind == CANCELLED
    return CancelOutcome.ALREADY_CANCELLED if is_cancelled else CancelOutcome.ENDED


def _execute(database: Database, settings: Settings, thought_id: UUID, turn: int, event: ThoughtFailed) -> Row | None:
    error: dict[str, Any] = {"agent": "", "kind": CANCELLED, "message": MESSAGE, "attempts": 0}
    return database.row(
        CANCEL,
        id=thought_id,
        turn=turn,
        reason=CANCELLED,
        error=json.dumps(error),
        headers=json.dumps(failure_headers(reason=CANCELLED, error_class="", message=MESSAGE)),
        event=event.to_bytes(),
        topic=settings.kafka_events_topic,
        emit=settings.kafka_enabled,
    )
