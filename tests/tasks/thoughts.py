"""Thoughts in PostgreSQL as workers receive them: accepted with ACCEPT and dispatched with the bridge's own DECIDE."""

import json
from typing import Any
from uuid import UUID, uuid4

import redis
from sqlalchemy import text

from bridge.consumer.decide import decide
from bridge.consumer.protocol import DecideRequest, Head, HeadVersion
from bridge.records.types import Record
from contracts import events
from contracts.accept import accept
from contracts.database import Database, Row
from contracts.progress import stream_key
from contracts.settings import Settings
from tasks.step_store import Step

SECRET = "a private text that must not appear in messages or logs"


def accept_thought(
    database: Database, settings: Settings, thought_text: str = SECRET, user_id: UUID | None = None
) -> Record:
    """Accept a new thought, of a new user unless `user_id` is given; return its Kafka record."""
    user, thought = user_id or uuid4(), uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING"), id=user)
    event = events.thought_created(user, thought, thought_text).to_bytes()
    stored = accept(
        database,
        thought_id=thought,
        user_id=user,
        text=thought_text,
        event=event,
        topic=settings.kafka_topic,
        emit=settings.kafka_enabled,
    )
    return Record(offset=0, user_id=user, thought_id=thought, turn=stored.turn)


def dispatch_head(database: Database, record: Record) -> Head:
    """Dispatch the head of the record's user as a bridge does; return it."""
    return poll_head(database, record)


def take_over_head(database: Database, record: Record, expired: Head) -> Head:
    """Take over the head as a bridge does when the lease of `expired` has expired; return it."""
    return poll_head(database, record, expired.version)


def poll_head(database: Database, record: Record, expired: HeadVersion | None = None) -> Head:
    """Decide about the record's user as a bridge does; return the head of the line."""
    head = decide(database, [DecideRequest(record.user_id, (record,), expired)])[0].head
    assert head is not None
    return head


def step_of(head: Head) -> Step:
    """Return the step that the head's message requests."""
    return Step(head.thought_id, head.dispatch_id, head.steps_done + 1)


def dispatch_first_step(database: Database, settings: Settings, thought_text: str = SECRET) -> Step:
    """Accept and dispatch a new thought; return its first step."""
    return step_of(dispatch_head(database, accept_thought(database, settings, thought_text)))


def record_of(database: Database, thought_id: UUID) -> Record:
    """Return the Kafka record of an existing thought."""
    row = thought_row(database, thought_id)
    return Record(offset=0, user_id=row.user_id, thought_id=thought_id, turn=row.turn)


def thought_row(database: Database, thought_id: UUID) -> Row:
    """Return the thought's row."""
    return database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=thought_id)[0]


def lose_worker_in_call(database: Database, thought_id: UUID) -> Head:
    """Begin a call whose worker dies, and take the head over as a bridge does; return it."""
    set_columns(database, thought_id, "call_id = gen_random_uuid(), attempts = attempts + 1")
    record = record_of(database, thought_id)
    return take_over_head(database, record, poll_head(database, record))


def take_over_step(database: Database, step: Step) -> Step:
    """Take the step over from its worker as a bridge does; return the step of the new message."""
    record = record_of(database, step.thought_id)
    return step_of(take_over_head(database, record, poll_head(database, record)))


def agent_run_rows(database: Database, thought_id: UUID) -> list[Row]:
    """Return the thought's saved steps in order."""
    return database.rows(text("SELECT * FROM agent_runs WHERE thought_id = :id ORDER BY step"), id=thought_id)


def set_columns(database: Database, thought_id: UUID, assignments: str) -> None:
    """Set columns of the thought's row, for a state that would take long to reach."""
    database.rows(text(f"UPDATE thoughts SET {assignments} WHERE id = :id"), id=thought_id)


def outbox_rows(database: Database, topic: str) -> list[Row]:
    """Return the outbox rows of this topic in order."""
    return database.rows(text("SELECT * FROM outbox WHERE topic = :topic ORDER BY id"), topic=topic)


def dead_letter_rows(database: Database, thought_id: UUID) -> list[Row]:
    """Return the thought's dead letters in the order of their turns."""
    statement = text("SELECT * FROM dead_letters WHERE thought_id = :id ORDER BY turn")
    return database.rows(statement, id=thought_id)


def published_events(redis_client: redis.Redis, settings: Settings, user_id: UUID) -> list[dict[str, Any]]:
    """Return the events that were published to the user, in order."""
    entries: Any = redis_client.xrange(stream_key(settings.redis_prefix, user_id))
    return [json.loads(fields[b"message"]) for _, fields in entries]
