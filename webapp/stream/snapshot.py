"""The events of a user's thoughts, derived from PostgreSQL.

The ids of events are derived from their facts, so a derived event equals the published one, and nobody sees it twice.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts import events
from contracts.database import Database
from webapp.queries import Thought, open_and_latest, thoughts_in_view
from webapp.serializers import isoformat_utc, thought, total_steps


def derived_events(database: Database, user_id: UUID, watched: Collection[UUID] = ()) -> list[events.Event]:
    """What happened to the user's thoughts in view, thought by thought in the order of turns.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    found = thoughts_in_view(database, user_id, watched)
    return [event for one in found for event in thought_events(one)]


def thought_events(found: Thought) -> Iterator[events.Event]:
    """All that has happened to a thought so far, in its order, with the times of its rows."""
    row = found.row
    created = events.thought_created(row.user_id, row.id, row.text)
    yield created.model_copy(update={"timestamp": row.created_at})
    if row.status != "pending":
        yield events.thought_processing(row.user_id, row.id, row.turn, row.started_at or row.created_at)
    for run in found.runs:
        yield events.agent_completed(
            row.user_id, row.id, run.step, agent_name=run.agent, total=total_steps(row), when=run.finished_at
        )
    if row.status == "completed":
        yield events.thought_completed(row.user_id, row.id, row.processing_seconds or 0.0, row.finished_at)
    if row.status == "failed":
        yield _failed(row)


def reset_data(database: Database, user_id: UUID) -> dict[str, Any]:
    """The data of `reset`: forget what you know, these are the open and the latest thoughts."""
    shown = [thought(one) for one in open_and_latest(database, user_id)]
    return {
        "user_id": str(user_id),
        "thought_id": None,
        "timestamp": isoformat_utc(datetime.now(UTC)),
        "thoughts": shown,
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
