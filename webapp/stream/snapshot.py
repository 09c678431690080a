"""Derives the events of a user's thoughts from PostgreSQL.

An event's id is derived from its facts, so a derived event has the same id as the published one, and a stream sends it
only once.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts import events
from contracts.database import Database
from webapp import serializers
from webapp.memory import memories_of
from webapp.queries import Thought, open_and_latest, thoughts_in_view


def derived_events(database: Database, user_id: UUID, watched: Collection[UUID] = ()) -> list[events.Event]:
    """Return the events of the user's thoughts in view, thought by thought in the order of turns.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    thoughts = thoughts_in_view(database, user_id, watched)
    return [event for thought in thoughts for event in thought_events(thought)]


def thought_events(thought: Thought) -> Iterator[events.Event]:
    """Yield a thought's events so far in order, with the times of its rows."""
    row = thought.row
    created = events.thought_created(row.user_id, row.id, row.text)
    yield created.model_copy(update={"timestamp": row.created_at})
    if row.status != "pending":
        yield events.thought_processing(row.user_id, row.id, row.turn, row.started_at or row.created_at)
    for run in thought.runs:
        yield events.agent_completed(
            row.user_id,
            row.id,
            run.step,
            agent_name=run.agent,
            total=thought.total_steps,
            when=run.finished_at,
        )
    if row.status == "completed":
        yield events.thought_completed(row.user_id, row.id, row.processing_seconds or 0.0, row.finished_at)
    if row.status == "failed":
        yield _failed(row)


def reset_data(database: Database, user_id: UUID) -> dict[str, Any]:
    """Return the data of a `reset` event: the open and the latest thoughts, which replace what the client knows.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    shown = open_and_latest(database, user_id)
    return {
        "user_id": str(user_id),
        "thought_id": None,
        "timestamp": serializers.isoformat_utc(datetime.now(UTC)),
        "thoughts": serializers.thoughts(shown, memories_of(database, shown)),
    }


def _failed(row: Any) -> events.ThoughtFailed:
    error = row.error or {}
    return events.thought_failed(
        row.user_id,
        row.id,
        row.turn,
        agent=str(error.get("agent", "")),
        message=str(error.get("message", "")),
        attempts=int(error.get("attempts") or 0),
        when=row.finished_at,
    )
