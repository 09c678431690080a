"""Derives the events of a user's thoughts from PostgreSQL.

An event's id is derived from its facts, so a derived event has the same id as the published one, and a stream sends it
only once.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from contracts import events
from contracts.database import Database
from webapp import cursors, serializers
from webapp.memory import memories_of
from webapp.queries import Thought, number_that_fits, open_and_latest, thoughts_in_view
from webapp.representations import isoformat_utc

NO_TEXT: Final = "-"
"""Stands for the text in an outline."""

TEXTS_BYTES: Final = 64 * 1024
"""The bytes of the texts that are read together, for a stream whose client may not read for a long time."""

ReadTexts = Callable[[list[UUID]], Mapping[UUID, str]]
"""Return the texts of those of the thoughts that still exist."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An event without the text of its thought, which is read when the event is sent."""

    event: events.Event
    text_bytes: int = 0
    """The size of the missing text; 0 when the event has none."""

    @property
    def event_id(self) -> str:
        """The id of the event."""
        return str(self.event.event_id)


def derived_outlines(database: Database, user_id: UUID, watched: Collection[UUID] = ()) -> list[Outline]:
    """Return the events of the user's thoughts in view, thought by thought in the order of turns.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    thoughts = thoughts_in_view(database, user_id, watched)
    return [outline for thought in thoughts for outline in thought_events(thought)]


def complete_events(outlines: Sequence[Outline], read_texts: ReadTexts) -> Iterator[dict[str, Any]]:
    """Yield the events with their texts, in order. The events of a thought that was deleted since are left out."""
    texts: Mapping[UUID, str] = {}
    asked: set[UUID] = set()
    for position, outline in enumerate(outlines):
        thought_id = outline.event.thought_id
        if outline.text_bytes and thought_id not in asked:
            ids = _next_texts(outlines[position:])
            texts, asked = read_texts(ids), asked | set(ids)
        if not outline.text_bytes:
            yield outline.event.to_dict()
        elif thought_id in texts:
            yield outline.event.to_dict() | {"text": texts[thought_id]}


def _next_texts(outlines: Sequence[Outline]) -> list[UUID]:
    missing = [outline for outline in outlines if outline.text_bytes]
    number = number_that_fits([outline.text_bytes for outline in missing], TEXTS_BYTES)
    return [outline.event.thought_id for outline in missing[:number]]


def thought_events(thought: Thought) -> Iterator[Outline]:
    """Yield a thought's events so far in order, with the times of its rows."""
    created = events.thought_created(thought.row.user_id, thought.row.id, NO_TEXT)
    yield Outline(created.model_copy(update={"timestamp": thought.row.created_at}), thought.row.text_bytes)
    for event in _later_events(thought):
        yield Outline(event)


def _later_events(thought: Thought) -> Iterator[events.Event]:
    row = thought.row
    was_never_dispatched = row.status == "pending" or (row.status == "failed" and row.started_at is None)
    if not was_never_dispatched:
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

    When they are too large, the ones written last are sent, and `more` is the path of the list with the others.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    shown, rest = open_and_latest(database, user_id)
    more = {} if rest is None else {"more": f"/thoughts?user_id={user_id}&cursor={cursors.encode(rest)}"}
    return {
        "user_id": str(user_id),
        "thought_id": None,
        "timestamp": isoformat_utc(datetime.now(UTC)),
        "thoughts": [one.to_json() for one in serializers.thoughts(shown, memories_of(database, shown))],
    } | more


def _failed(row: Any) -> events.ThoughtFailed:
    error = row.error or {}
    return events.thought_failed(
        row.user_id,
        row.id,
        row.turn,
        agent=str(error.get("agent", "")),
        kind=str(error.get("kind", "")),
        message=str(error.get("message", "")),
        attempts=int(error.get("attempts") or 0),
        when=row.finished_at,
    )
