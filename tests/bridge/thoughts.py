"""Adds users and thoughts to a real PostgreSQL, decides about them, and reads their rows."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from bridge.consumer.decide import decide
from bridge.consumer.protocol import DecideRequest, Decision, HeadVersion
from bridge.records.types import Record
from contracts.accept import accept
from contracts.database import Database, Row
from contracts.events import thought_created
from contracts.settings import Settings

COUNT_OPEN_THOUGHTS = text("SELECT count(*) FROM thoughts WHERE finished_at IS NULL")
"""Counts the thoughts that are not terminal."""

ThoughtsByUser = dict[UUID, list[UUID]]
"""User -> thoughts in the order of their turns."""


def add_user(database: Database) -> UUID:
    user = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
    return user


def add_thought(database: Database, user: UUID, **columns: Any) -> UUID:
    """Accept a thought at the end of its user's line, without a record in Kafka, then set the given columns."""
    thought = uuid4()
    event = thought_created(user, thought, "A thought").to_bytes()
    accept(database, thought_id=thought, user_id=user, text="A thought", event=event, topic="work", emit=False)
    if columns:
        update_thought(database, thought, **columns)
    return thought


def update_thought(database: Database, thought: UUID, **columns: Any) -> None:
    """Set columns of a thought's row."""
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    database.rows(text(f"UPDATE thoughts SET {assignments} WHERE id = :id"), id=thought, **columns)


def finish_thought(database: Database, thought: UUID, status: str = "completed") -> None:
    """Make a thought terminal."""
    statement = "UPDATE thoughts SET status = :status, finished_at = now(), call_id = NULL WHERE id = :id"
    database.rows(text(statement), id=thought, status=status)


def thought_row(database: Database, thought: UUID) -> Row:
    """Return the thought's row."""
    (row,) = database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=thought)
    return row


def record_of(database: Database, thought: UUID, offset: int = 0) -> Record:
    """Return the record that a relay would have published for a thought."""
    row = thought_row(database, thought)
    origin = {"topic": "work", "partition": 0, "offset": offset, "timestamp": 1_700_000_000_000}
    return Record(offset, row.user_id, thought, row.turn, origin)


def decide_once(database: Database, *records: Record, expired_version: HeadVersion | None = None) -> Decision:
    """Send one Decide request about the user of the records, and return the answer."""
    (decision,) = decide(database, [DecideRequest(records[0].user_id, records, expired_version)])
    return decision


def add_claimed_thought(database: Database, user: UUID) -> tuple[UUID, HeadVersion]:
    """Add a thought to an empty line and claim it. Return it with its version."""
    thought = add_thought(database, user)
    head = decide_once(database, record_of(database, thought)).head
    assert head is not None
    assert head.needs_dispatch
    return thought, head.version


def accept_thoughts(settings: Settings, database: Database, users: Sequence[UUID], thoughts: int) -> ThoughtsByUser:
    """Accept `thoughts` thoughts of each user as the web does, one user after the other, with their outbox rows."""
    thoughts_by_user: ThoughtsByUser = {user: [] for user in users}
    for _ in range(thoughts):
        for user in users:
            thought = uuid4()
            event = thought_created(user, thought, "A thought").to_bytes()
            topic = settings.kafka_topic
            accept(database, thought_id=thought, user_id=user, text="A thought", event=event, topic=topic, emit=True)
            thoughts_by_user[user].append(thought)
    return thoughts_by_user
