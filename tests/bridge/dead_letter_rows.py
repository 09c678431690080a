"""Dead letters in a real PostgreSQL as the system itself leaves them: of thoughts that failed, and of bad records."""

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
from tests.bridge.running_relays import a_relay

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


def a_thought(
    database: Database, settings: Settings, user: UUID, words: str = "A thought", kept: dict[str, Any] | None = None
) -> UUID:
    """An accepted thought, its outbox row already published; `kept` is another producer's key and headers."""
    thought = uuid4()
    value = b"\x00event of " + thought.bytes
    topic = settings.kafka_topic
    own = {"thought_id": thought, "user_id": user, "text": words, "event": value, "headers": kept}
    accept(database, **own, topic=topic, emit=True)  # type: ignore[arg-type]
    database.rows(text("DELETE FROM outbox"))
    return thought


def fail(database: Database, thought: UUID, *, reason: str = "permanent", **told: Any) -> str:
    """Let a thought fail for good in its third step; returns its failure id."""
    usual: dict[str, Any] = {
        "error_class": "agents.errors.Broken",
        "message": "no luck",
        "agent": "value_impact",
        "attempts": 4,
    }
    where = told.pop("origin", None)
    headers = json.dumps(failure_headers(reason=reason, **(usual | told)) | {"origin": where})
    row = database.rows(FAIL, id=thought, headers=headers, steps=STEPS_DONE, reason=reason)[0]
    return str(row.failure_id)


def failed(database: Database, settings: Settings, user: UUID, *, words: str = "A thought", **told: Any) -> str:
    """The failure id of a new thought that failed."""
    return fail(database, a_thought(database, settings, user, words), **told)


def buried(
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
    """The failure id of a record that was buried."""
    where = origin(settings.kafka_topic, 1, offset, 1_700_000_000_000)
    told = failure_headers(reason=reason, error_class="NotJson", message="the value is not JSON")
    given = [("trace", b"\xff"), ("trace", None)] if headers is None else headers
    told |= {"origin": where, **capture_headers(key, given)} | more
    failure = record_failure_id(where, value)
    topic = settings.kafka_dead_letter_topic
    insert_dead_letter(database, failure_id=failure, reason=reason, value=value, headers=told, topic=topic)
    return failure


def an_event(user: UUID, words: str = "From afar") -> tuple[UUID, bytes]:
    """A thought's id and its event."""
    thought = uuid4()
    return thought, thought_created(user, thought, words).to_bytes()


def thought_of(database: Database, failure_id: str) -> Row:
    return database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=UUID(failure_id.split(":")[0]))[0]


def letter_of(database: Database, failure_id: str) -> Row:
    return database.rows(text("SELECT * FROM dead_letters WHERE failure_id = :id"), id=failure_id)[0]


def emitted(database: Database) -> list[tuple[str | None, int | None, bytes]]:
    rows = database.rows(text("SELECT key, turn, value FROM outbox ORDER BY id"))
    return [(row.key, row.turn, bytes(row.value)) for row in rows]


def delete(database: Database, thought: UUID) -> None:
    """What is left of a thought that its author deleted."""
    gone = text("""UPDATE thoughts SET status = 'deleted', finished_at = now(), call_id = NULL, text = '', event = ''
                    WHERE id = :id""")
    database.rows(gone, id=thought)


def published(settings: Settings, database: Database) -> None:
    """Let the relay publish every dead letter; buried ones have their outbox rows already."""
    database.rows(PUBLISH, topic=settings.kafka_dead_letter_topic)
    with a_relay(settings) as relay:
        relay.publish_batch()
