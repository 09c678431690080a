"""Adds dead letters to a real PostgreSQL as the system does: of failed thoughts, and of records that are no event."""

import json
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from bridge.dead_letters.insert import insert_dead_letter
from contracts.accept import accept
from contracts.database import Database, Row
from contracts.dead_letters import failure_headers, origin, record_failure_id
from contracts.events import thought_created
from contracts.settings import Settings
from contracts.source_headers import capture_headers
from tests.bridge.running_relays import idle_relay

STEPS_DONE = 2

FAIL = text("""
    WITH t AS (UPDATE thoughts SET status = 'failed', finished_at = now(), started_at = now(), beat = 9,
                      step_started_at = now(), error = '{"message": "no luck"}', dispatch_id = 3, attempts = 4,
                      steps_done = :steps, sends = 2, losses = 1, not_before = now(), emissions = 5,
                      processing_seconds = 4 WHERE id = :id RETURNING id, turn, event, headers)
    INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers)
    SELECT id || ':' || turn, id, turn, :reason, event, CAST(:headers AS jsonb) || COALESCE(headers - 'tracing', '{}')
      FROM t RETURNING failure_id
""")

PUBLISH = text("""
    INSERT INTO outbox (topic, key, failure_id, value, headers)
    SELECT :topic, 'a key', failure_id, value, headers FROM dead_letters
     WHERE thought_id IS NOT NULL ORDER BY failure_id
""")

DELETE = text("""UPDATE thoughts SET status = 'deleted', finished_at = now(), call_id = NULL, text = '', event = ''
                    WHERE id = :id""")


def accept_thought(
    database: Database,
    settings: Settings,
    user: UUID,
    thought_text: str = "A thought",
    source: dict[str, Any] | None = None,
) -> UUID:
    """Accept a thought and remove its outbox row; `source` is an external producer's key and headers."""
    thought = uuid4()
    value = b"\x00event of " + thought.bytes
    topic = settings.kafka_topic
    columns = {"thought_id": thought, "user_id": user, "text": thought_text, "event": value, "headers": source}
    accept(database, **columns, topic=topic, emit=True)  # type: ignore[arg-type]
    database.rows(text("DELETE FROM outbox"))
    return thought


def fail_thought(database: Database, thought: UUID, *, reason: str = "permanent", **headers: Any) -> str:
    """Let a thought fail permanently in its third step, and return its failure id."""
    defaults: dict[str, Any] = {
        "error_class": "agents.errors.Broken",
        "message": "no luck",
        "agent": "value_impact",
        "attempts": 4,
    }
    position = headers.pop("origin", None)
    stored = json.dumps(failure_headers(reason=reason, **(defaults | headers)) | {"origin": position})
    row = database.rows(FAIL, id=thought, headers=stored, steps=STEPS_DONE, reason=reason)[0]
    return str(row.failure_id)


def add_failed_thought(
    database: Database, settings: Settings, user: UUID, *, thought_text: str = "A thought", **headers: Any
) -> str:
    """Accept a thought, let it fail, and return its failure id."""
    return fail_thought(database, accept_thought(database, settings, user, thought_text), **headers)


def add_record_dead_letter(
    database: Database,
    settings: Settings,
    value: bytes | None,
    *,
    reason: str = "unreadable",
    offset: int = 42,
    key: bytes | None = b"the key",
    headers: list[tuple[str, bytes | None]] | None = None,
    **more: Any,
) -> str:
    """Dead-letter a record and return its failure id; `more` are further entries of the stored headers."""
    position = origin(settings.kafka_topic, 1, offset, 1_700_000_000_000)
    stored = failure_headers(reason=reason, error_class="NotJson", message="the value is not JSON")
    record_headers = [("trace", b"\xff"), ("trace", None)] if headers is None else headers
    stored |= {"origin": position, **capture_headers(key, record_headers)} | more
    failure_id = record_failure_id(position, value)
    topic = settings.kafka_dead_letter_topic
    insert_dead_letter(database, failure_id=failure_id, reason=reason, value=value, headers=stored, topic=topic)
    return failure_id


def make_event(user: UUID, thought_text: str = "From an external producer") -> tuple[UUID, bytes]:
    """Return the id of a new thought and its event."""
    thought = uuid4()
    return thought, thought_created(user, thought, thought_text).to_bytes()


def get_thought(database: Database, failure_id: str) -> Row:
    return database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=UUID(failure_id.split(":")[0]))[0]


def get_dead_letter(database: Database, failure_id: str) -> Row:
    return database.rows(text("SELECT * FROM dead_letters WHERE failure_id = :id"), id=failure_id)[0]


def outbox_rows(database: Database) -> list[tuple[str | None, int | None, bytes]]:
    """Return key, turn and value of each row of the outbox."""
    rows = database.rows(text("SELECT key, turn, value FROM outbox ORDER BY id"))
    return [(row.key, row.turn, bytes(row.value)) for row in rows]


def delete_thought(database: Database, thought: UUID) -> None:
    """Delete a thought, as its author does."""
    database.rows(DELETE, id=thought)


def publish_dead_letters(settings: Settings, database: Database) -> None:
    """Let the relay publish every dead letter. Those of thoughts get an outbox row first; records already have one."""
    database.rows(PUBLISH, topic=settings.kafka_dead_letter_topic)
    with idle_relay(settings) as relay:
        relay.publish_batch()
