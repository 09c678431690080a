"""Users and thoughts in a real PostgreSQL, and a look at what became of them."""

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

OPEN = text("SELECT count(*) FROM thoughts WHERE finished_at IS NULL")
"""How many thoughts are."""

Lines = dict[UUID, list[UUID]]
"""User -> thoughts."""


def add_user(database: Database) -> UUID:
    user = uuid4()
    database.rows(text("INSERT INTO users (id) VALUES (:id)"), id=user)
    return user


def add_thought(database: Database, user: UUID, **columns: Any) -> UUID:
    """A thought at the end of its author's line, without a record in Kafka; `columns` as they then stand."""
    thought = uuid4()
    event = thought_created(user, thought, "A thought").to_bytes()
    accept(database, thought_id=thought, user_id=user, text="A thought", event=event, topic="work", emit=False)
    if columns:
        change(database, thought, **columns)
    return thought


def change(database: Database, thought: UUID, **columns: Any) -> None:
    """Set columns by hand."""
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    database.rows(text(f"UPDATE thoughts SET {assignments} WHERE id = :id"), id=thought, **columns)


def end(database: Database, thought: UUID, status: str = "completed") -> None:
    """Make a thought terminal."""
    statement = "UPDATE thoughts SET status = :status, finished_at = now(), call_id = NULL WHERE id = :id"
    database.rows(text(statement), id=thought, status=status)


def row(database: Database, thought: UUID) -> Row:
    """The thought as it stands."""
    (found,) = database.rows(text("SELECT * FROM thoughts WHERE id = :id"), id=thought)
    return found


def a_doorbell(database: Database, thought: UUID, offset: int = 0) -> Record:
    """The record that a relay would have published for a thought."""
    found = row(database, thought)
    where = {"topic": "work", "partition": 0, "offset": offset, "timestamp": 1_700_000_000_000}
    return Record(offset, found.user_id, thought, found.turn, where)


def ask_once(database: Database, *records: Record, seen: HeadVersion | None = None) -> Decision:
    """Ask about the one user of the records."""
    (decision,) = decide(database, [DecideRequest(records[0].user_id, records, seen)])
    return decision


def taken(database: Database, user: UUID) -> tuple[UUID, HeadVersion]:
    """A thought that was just taken from the head of the line, and what it looked like."""
    thought = add_thought(database, user)
    head = ask_once(database, a_doorbell(database, thought)).head
    assert head is not None
    assert head.dispatched
    return thought, head.version


def write(settings: Settings, database: Database, users: Sequence[UUID], thoughts: int) -> Lines:
    """Accept thoughts as the web does, the users in turn."""
    lines: Lines = {user: [] for user in users}
    for _ in range(thoughts):
        for user in users:
            thought = uuid4()
            event = thought_created(user, thought, "A thought").to_bytes()
            asked: dict[str, Any] = {"text": "A thought", "event": event, "topic": settings.kafka_topic, "emit": True}
            accept(database, thought_id=thought, user_id=user, **asked)
            lines[user].append(thought)
    return lines
