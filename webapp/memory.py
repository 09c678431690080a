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
from webapp.queries import Thought, read, thoughts_of_user

READ_THOUGHTS: Final = text("""
    SELECT e.id, e.text, e.created_at, o.output->>'priority_level' AS priority_level,
           o.output->>'final_recommendation' AS recommendation,
           CASE WHEN v.model = mine.model THEN 1 - (v.embedding <=> mine.embedding) END AS similarity
      FROM thoughts e
      LEFT JOIN agent_runs o ON o.thought_id = e.id AND o.agent = :concluding_agent
      LEFT JOIN thought_vectors v ON v.thought_id = e.id
      LEFT JOIN thought_vectors mine ON mine.thought_id = :id AND mine.user_id = e.user_id
     WHERE e.id = ANY(CAST(:ids AS uuid[])) AND e.user_id = :user AND e.status <> 'deleted'
     ORDER BY similarity DESC NULLS LAST, e.created_at DESC, e.id
""")
"""Those of the given thoughts that belong to the user, with their outcomes, the most similar to :id first."""

SOURCE: Final = text("SELECT created_at FROM thoughts WHERE id = :id AND user_id = :user AND status <> 'deleted'")
"""When the thought was written whose results another thought of the same user has."""

SEARCH: Final = text("""
    SELECT t.id, 1 - (v.embedding <=> CAST(:embedding AS vector)) AS similarity
      FROM thought_vectors v JOIN thoughts t ON t.id = v.thought_id AND t.user_id = :user AND t.status <> 'deleted'
     WHERE v.user_id = :user AND v.model = :model
     ORDER BY v.embedding <=> CAST(:embedding AS vector), t.id LIMIT :limit
""")
"""The thoughts of the user whose vectors are closest to a vector of the same model; an exact scan of their vectors."""

_CONCLUDING_AGENT: Final = next((agent.name for agent in CATALOGUE.agents if agent.gives_conclusion), "")


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
    """Return the memory of a thought, from its saved results. Raises SQLAlchemyError when PostgreSQL is unavailable."""
    source_id = next((run.reused_from for run in thought.runs if run.reused_from), None)
    ids = list(dict.fromkeys(read_id for run in thought.runs for read_id in run.earlier_thoughts or ()))
    source = None if source_id is None else _source(database, thought.row.user_id, source_id)
    return Memory(source, _similar(database, thought, ids) if ids else ())


def search(
    database: Database, user_id: UUID, embedding: Sequence[float], model: str, limit: int
) -> list[tuple[Thought, float]]:
    """Return the user's thoughts that are closest to a vector, each with its cosine, the closest first."""
    found = read(database, SEARCH, user=user_id, embedding=as_literal(embedding), model=model, limit=limit)
    thoughts = {thought.row.id: thought for thought in thoughts_of_user(database, user_id, [row.id for row in found])}
    return [(thoughts[row.id], float(row.similarity)) for row in found if row.id in thoughts]


def _source(database: Database, user_id: UUID, source_id: UUID) -> Source:
    row = next(iter(read(database, SOURCE, id=source_id, user=user_id)), None)
    return Source(source_id, None if row is None else row.created_at)


def _similar(database: Database, thought: Thought, ids: Sequence[UUID]) -> list[SimilarThought]:
    parameters = {"id": thought.row.id, "user": thought.row.user_id, "ids": ids}
    rows = read(database, READ_THOUGHTS, **parameters, concluding_agent=_CONCLUDING_AGENT)
    quotes = {run.agent: [fold(quote) for quote in _quotes(run.output)] for run in thought.runs}
    return [_similar_thought(row, quotes) for row in rows]


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
