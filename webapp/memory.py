"""Reads what a thought has to do with earlier ones: similar thoughts, the source of its results, and a search.

Every statement is limited to the thoughts of one user, and leaves deleted ones out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from agents.catalogue import CATALOGUE
from agents.embedding.model import NEAR_FROM
from agents.evidence import fold
from contracts.database import Database, Row
from contracts.thought_vectors import as_literal
from webapp.queries import Thought, first_that_fit, read, thoughts_of_user

RELATED: Final = text("""
    SELECT pair.thought_id, e.id, e.text, e.created_at, o.output->>'priority_level' AS priority_level,
           o.output->>'final_recommendation' AS recommendation,
           CASE WHEN v.model = mine.model THEN 1 - (v.embedding <=> mine.embedding) END AS similarity
      FROM unnest(CAST(:thoughts AS uuid[]), CAST(:related AS uuid[])) AS pair (thought_id, related_id)
      JOIN thoughts t ON t.id = pair.thought_id
      JOIN thoughts e ON e.id = pair.related_id AND e.user_id = t.user_id AND e.status <> 'deleted'
      LEFT JOIN agent_runs o ON o.thought_id = e.id AND o.agent = :concluding_agent
      LEFT JOIN thought_vectors mine ON mine.thought_id = t.id
      LEFT JOIN thought_vectors v ON v.thought_id = e.id
     ORDER BY similarity DESC NULLS LAST, e.created_at DESC, e.id
""")
"""The related thoughts of some thoughts that belong to the same user, with their outcomes, the most similar first."""

SEARCH: Final = text("""
    SELECT id, distance FROM (
      SELECT t.id, v.embedding <=> CAST(:embedding AS vector) AS distance
        FROM thought_vectors v JOIN thoughts t ON t.id = v.thought_id AND t.user_id = :user AND t.status <> 'deleted'
       WHERE v.user_id = :user AND v.model = :model) found
     WHERE CAST(:after_distance AS float8) IS NULL OR (distance, id) > (:after_distance, CAST(:after_id AS uuid))
     ORDER BY distance, id LIMIT :limit
""")
"""The thoughts of the user whose vectors are closest to a vector of the same model, after a position of this order or
from its beginning; an exact scan of their vectors. The distance is 1 - the cosine."""

SearchPosition = tuple[float, UUID]
"""The position of a thought in the answers of a search: its distance and its id."""


@dataclass(frozen=True, slots=True)
class SimilarThought:
    """An earlier thought of the same user that the agents read."""

    id: UUID
    text: str
    written_at: datetime
    similarity: float | None
    """The cosine of the two vectors; None when one of them is missing or of another model."""
    priority_level: str | None
    recommendation: str | None
    quoted_by: tuple[str, ...]
    """The names of the agents that quote it in this thought's results."""

    @property
    def is_near(self) -> bool:
        """Whether it says nearly the same, by its vector."""
        return self.similarity is not None and self.similarity >= NEAR_FROM


@dataclass(frozen=True, slots=True)
class Source:
    """The thought from which all results were copied. `written_at` is None when it was deleted since."""

    id: UUID
    written_at: datetime | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a thought has to do with earlier ones."""

    source: Source | None = None
    similar: Sequence[SimilarThought] = ()


def memory_of(database: Database, thought: Thought) -> Memory:
    """Return the memory of one thought. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    return memories_of(database, [thought])[thought.row.id]


def memories_of(database: Database, thoughts: Sequence[Thought]) -> dict[UUID, Memory]:
    """Return the memory of each thought, from its saved results, with one statement for all of them.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    pairs = [(thought.row.id, related) for thought in thoughts for related in _related_ids(thought)]
    rows: dict[UUID, list[Row]] = {}
    for row in _related_rows(database, pairs) if pairs else ():
        rows.setdefault(row.thought_id, []).append(row)
    return {thought.row.id: _memory(thought, rows.get(thought.row.id, ())) for thought in thoughts}


@dataclass(frozen=True, slots=True)
class FoundThoughts:
    """A page of the answers of a search, each with its cosine, and the position of the next page or None."""

    items: Sequence[tuple[Thought, float]]
    next: SearchPosition | None = None


def search(
    database: Database,
    user_id: UUID,
    embedding: Sequence[float],
    model: str,
    limit: int,
    after: SearchPosition | None = None,
) -> FoundThoughts:
    """Return the user's thoughts that are closest to a vector, the closest first, or those after a position.

    The page has at most `limit` thoughts, and fewer when they would exceed PAGE_BYTES, but always one.
    """
    distance, thought_id = after or (None, None)
    literal = as_literal(embedding)
    parameters = {"user": user_id, "embedding": literal, "model": model, "limit": limit + 1}
    found = read(database, SEARCH, after_distance=distance, after_id=thought_id, **parameters)
    fitting = len(first_that_fit(database, [row.id for row in found[:limit]]))
    page = found[:fitting]
    thoughts = {thought.row.id: thought for thought in thoughts_of_user(database, user_id, [row.id for row in page])}
    items = [(thoughts[row.id], 1 - row.distance) for row in page if row.id in thoughts]
    return FoundThoughts(items, (page[-1].distance, page[-1].id) if len(found) > len(page) else None)


def _related_rows(database: Database, pairs: Sequence[tuple[UUID, UUID]]) -> list[Row]:
    ids, related = [list(side) for side in zip(*pairs, strict=True)]
    return read(database, RELATED, thoughts=ids, related=related, concluding_agent=CATALOGUE.concluding_name)


def _related_ids(thought: Thought) -> Iterable[UUID]:
    read_ids = (read_id for run in thought.runs for read_id in run.earlier_thoughts or ())
    source_id = _source_id(thought)
    return dict.fromkeys([*read_ids, *([source_id] if source_id else [])])


def _source_id(thought: Thought) -> UUID | None:
    return next((run.reused_from for run in thought.runs if run.reused_from), None)


def _memory(thought: Thought, rows: Iterable[Row]) -> Memory:
    by_id = {row.id: row for row in rows}
    source_id = _source_id(thought)
    source = by_id.get(source_id)
    read_ids = {read_id for run in thought.runs for read_id in run.earlier_thoughts or ()}
    quotes = {run.agent: [fold(quote) for quote in _quotes(run.output)] for run in thought.runs}
    return Memory(
        None if source_id is None else Source(source_id, source and source.created_at),
        [_similar_thought(row, quotes) for row in by_id.values() if row.id in read_ids],
    )


def _similar_thought(row: Row, quotes: Mapping[str, Iterable[str]]) -> SimilarThought:
    folded = fold(row.text)
    quoted_by = tuple(agent for agent, parts in quotes.items() if any(part and part in folded for part in parts))
    similarity = None if row.similarity is None else float(row.similarity)
    return SimilarThought(
        row.id, row.text, row.created_at, similarity, row.priority_level, row.recommendation, quoted_by
    )


def _quotes(value: Any) -> Iterator[str]:
    """Yield the quotes from earlier thoughts in an output, wherever they are in it."""
    if isinstance(value, Mapping):
        if value.get("source") == "earlier_thought" and isinstance(value.get("quote"), str):
            yield value["quote"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _quotes(item)
