"""Dead letters: burying a record that cannot become a thought, listing what is there, and sending thoughts back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database
from contracts.settings import Settings
from contracts.text import clean

MESSAGE_WIDTH: Final = 100

BURY: Final = text("""
    WITH d AS (INSERT INTO dead_letters (failure_id, reason, value, headers)
               VALUES (:failure, :reason, CAST(:value AS bytea), CAST(:headers AS jsonb))
               ON CONFLICT (failure_id) DO NOTHING RETURNING failure_id, value, headers)
    INSERT INTO outbox (topic, failure_id, value, headers)
    SELECT CAST(:topic AS text), failure_id, value, headers FROM d
""")

LIST: Final = text("""
    SELECT failure_id, created_at, state, reason, thought_id, turn, kafka_partition, kafka_offset,
           COALESCE(headers->>'agent', '') AS agent, COALESCE(CAST(headers->>'attempts' AS int), 0) AS attempts,
           COALESCE(headers->>'message', '') AS message
      FROM dead_letters WHERE :every OR state = 'open' ORDER BY created_at DESC, failure_id
""")

TURNS: Final = text("SELECT failure_id, turn FROM dead_letters WHERE failure_id = ANY (CAST(:failures AS text[]))")

REPLAY: Final = text("""
    WITH d AS (
      UPDATE dead_letters l SET state = 'replayed' FROM thoughts f
       WHERE l.failure_id = :failure AND l.state = 'open'
         AND f.id = l.thought_id AND f.turn = l.turn AND f.status = 'failed'
      RETURNING l.thought_id, l.turn, f.user_id),
    u AS (UPDATE users SET last_turn = last_turn + 1 FROM d WHERE users.id = d.user_id RETURNING users.last_turn),
    t AS (
      UPDATE thoughts t SET status = 'pending', finished_at = NULL, turn = u.last_turn,
             started_at = NULL, step_started_at = NULL, processing_seconds = NULL, error = NULL,
             dispatch_id = t.dispatch_id + 1, attempts = 0, sends = 0, losses = 0, not_before = NULL,
             beat = t.beat + 1, emitted_at = CASE WHEN :emit THEN now() END, emissions = 0
        FROM d, u WHERE t.id = d.thought_id AND t.turn = d.turn AND t.status = 'failed'
      RETURNING t.user_id, t.turn, t.event),
    o AS (INSERT INTO outbox (topic, key, turn, value)
          SELECT CAST(:topic AS text), user_id::text, turn, event FROM t WHERE :emit)
    SELECT (SELECT turn FROM t) AS turn, l.state, l.thought_id FROM dead_letters l WHERE l.failure_id = :failure
""")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What people are shown of a dead letter, named as LIST's columns; the value stays where it is."""

    failure_id: str
    created_at: datetime
    state: str
    reason: str
    thought_id: UUID | None
    turn: int | None
    kafka_partition: int | None
    kafka_offset: int | None
    agent: str
    attempts: int
    message: str

    def line(self) -> str:
        """One line for a terminal; nothing in the message can start another."""
        what = " ".join(self.message.split())[:MESSAGE_WIDTH]
        tried = f"{self.agent or '-'} x{self.attempts}"
        when = self.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self.failure_id}  {when}  {self.state}  {self.reason}  {tried}  {what}"

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready values, the message in full."""
        thought = None if self.thought_id is None else str(self.thought_id)
        when = self.created_at.astimezone(UTC).isoformat()
        return {name: getattr(self, name) for name in self.__slots__} | {"created_at": when, "thought_id": thought}


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did. `is_back` says that the thought was sent back, now or before."""

    failure_id: str
    is_back: bool
    what: str

    def line(self) -> str:
        """One line for a terminal."""
        return f"{self.failure_id}: {self.what}"


def bury(
    database: Database, *, failure_id: str, reason: str, value: bytes | None, headers: Mapping[str, Any], topic: str
) -> None:
    """Store a dead letter and its outbox row for `topic` in one statement; the same id again adds nothing.

    `headers` is the object of `contracts.dead_letters.failure_headers` with `origin` and `original_headers`.
    Raises SQLAlchemyError when PostgreSQL is away; the call may be repeated.
    """
    kept = json.dumps(clean(dict(headers)))
    database.rows(BURY, failure=failure_id, reason=reason, value=value, headers=kept, topic=topic)


def dead_letters(database: Database, *, every: bool = False) -> list[DeadLetter]:
    """The open dead letters, or those of every state, newest first."""
    return [DeadLetter(**row._asdict()) for row in database.rows(LIST, every=every)]


def replay(database: Database, settings: Settings, failure_ids: Sequence[str]) -> list[Replay]:
    """Put failed thoughts back at the end of their authors' lines, in the order in which they stood there.

    Steps that are saved are kept: a thought resumes at the step that failed. Twice is harmless.
    """
    turns = {row.failure_id: row.turn or 0 for row in database.rows(TURNS, failures=list(failure_ids))}
    ordered = sorted(dict.fromkeys(failure_ids), key=lambda failure_id: turns.get(failure_id, 0))
    return [_replay(database, settings, failure_id) for failure_id in ordered]


def _replay(database: Database, settings: Settings, failure_id: str) -> Replay:
    asked = {"failure": failure_id, "topic": settings.kafka_topic, "emit": settings.takes_from_kafka}
    row = database.row(REPLAY, **asked)
    if row is None:
        return Replay(failure_id, False, "there is no dead letter with this id")
    if row.turn is not None:
        return Replay(failure_id, True, f"replayed as turn {row.turn}")
    if row.thought_id is None:
        return Replay(failure_id, False, "cannot be replayed: the record was unreadable, so no thought was stored")
    if row.state != "open":
        return Replay(failure_id, row.state == "replayed", f"already {row.state}")
    return Replay(failure_id, False, "not replayed: its thought has moved on, perhaps by another replay just now")
