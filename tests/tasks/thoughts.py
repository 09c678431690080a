"""Thoughts in PostgreSQL as the steps meet them: accepted by Accept and taken by the bridge's own Decide."""

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

SECRET = "the words of this thought are nobody else's business"


def accepted(database: Database, settings: Settings, words: str = SECRET, user_id: UUID | None = None) -> Record:
    """The doorbell of a new thought; without a user it gets one of its own."""
    user, thought = user_id or uuid4(), uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id) ON CONFLICT DO NOTHING"), id=user)
    event = events.thought_created(user, thought, words).to_bytes()
    stored = accept(
        database,
        thought_id=thought,
        user_id=user,
        text=words,
        event=event,
        topic=settings.kafka_topic,
        emit=settings.kafka_enabled,
    )
    return Record(offset=0, user_id=user, thought_id=thought, turn=stored.turn)


def taken(database: Database, record: Record) -> Head:
    """The head after a bridge has dispatched it."""
    return looked_at(database, record)


def taken_over(database: Database, record: Record, seen: Head) -> Head:
    """The head after a bridge has watched it being silent as `seen`."""
    return looked_at(database, record, seen.version)


def looked_at(database: Database, record: Record, seen: HeadVersion | None = None) -> Head:
    """What a bridge finds when it looks at the record's user."""
    head = decide(database, [DecideRequest(record.user_id, (record,), seen)])[0].head
    assert head is not None
    return head


def step_of(head: Head) -> Step:
    """The step that the head's message asks for."""
    return Step(head.thought_id, head.dispatch_id, head.steps_done + 1)


def a_step(database: Database, settings: Settings, words: str = SECRET) -> Step:
    """The first step of a new thought that a bridge has just dispatched."""
    return step_of(taken(database, accepted(database, settings, words)))


def record_of(database: Database, thought_id: UUID) -> Record:
    """The doorbell of a thought that is there."""
    row = thought(database, thought_id)
    return Record(offset=0, user_id=row.user_id, thought_id=thought_id, turn=row.turn)


def thought(database: Database, thought_id: UUID) -> Row:
    """The thought's row as it stands."""
    return database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=thought_id)[0]


def die_in_a_call(database: Database, thought_id: UUID) -> Head:
    """The head after a worker began a call and was never heard of again, and a bridge took over."""
    change(database, thought_id, "call_id = gen_random_uuid(), attempts = attempts + 1")
    record = record_of(database, thought_id)
    return taken_over(database, record, looked_at(database, record))


def lose(database: Database, step: Step) -> Step:
    """A bridge takes over what the worker was silent about; the step of its new message."""
    record = record_of(database, step.thought_id)
    return step_of(taken_over(database, record, looked_at(database, record)))


def runs(database: Database, thought_id: UUID) -> list[Row]:
    """The saved steps, in their order."""
    return database.rows(text("SELECT * FROM agent_runs WHERE thought_id = :id ORDER BY step"), id=thought_id)


def change(database: Database, thought_id: UUID, assignments: str) -> None:
    """Put the row into a state that would take long to reach."""
    database.rows(text(f"UPDATE thoughts SET {assignments} WHERE id = :id"), id=thought_id)


def outbox(database: Database, topic: str) -> list[Row]:
    """What waits for this topic, in its order."""
    return database.rows(text("SELECT * FROM outbox WHERE topic = :topic ORDER BY id"), topic=topic)


def dead_letters(database: Database, thought_id: UUID) -> list[Row]:
    """The thought's, in their order."""
    statement = text("SELECT * FROM dead_letters WHERE thought_id = :id ORDER BY turn")
    return database.rows(statement, id=thought_id)


def shown(redis_client: redis.Redis, settings: Settings, user_id: UUID) -> list[dict[str, Any]]:
    """The events that the user's page was sent, in their order."""
    entries: Any = redis_client.xrange(stream_key(settings.redis_sse_prefix, user_id))
    return [json.loads(fields[b"message"]) for _, fields in entries]
