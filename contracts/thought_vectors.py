"""-> PostgreSQL: stores the vectors of thoughts, for the workers, and for `agents embed` those that are missing."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row

STORE_VECTOR: Final = text("""
    INSERT INTO thought_vectors (thought_id, user_id, model, embedding)
    SELECT id, user_id, :model, CAST(:embedding AS vector) FROM thoughts WHERE id = :id AND status <> 'deleted'
       FOR SHARE
        ON CONFLICT (thought_id) DO UPDATE SET model = EXCLUDED.model, embedding = EXCLUDED.embedding
     WHERE thought_vectors.model <> EXCLUDED.model
""")
"""Stores the vector of a thought that is not deleted; repeating it changes nothing. It replaces one of another model.

The lock of the thought's row makes a concurrent deletion come first, and then nothing is stored, or afterwards, and
then its second statement erases what is stored here."""

COUNT_MISSING: Final = text("""
    SELECT count(*) AS number FROM thoughts t LEFT JOIN thought_vectors v ON v.thought_id = t.id AND v.model = :model
     WHERE t.finished_at IS NOT NULL AND t.status <> 'deleted' AND v.thought_id IS NULL
""")
"""How many finished thoughts have no vector of this model."""

NEXT_MISSING: Final = text("""
    SELECT t.id, t.text FROM thoughts t LEFT JOIN thought_vectors v ON v.thought_id = t.id AND v.model = :model
     WHERE t.id > :after AND t.finished_at IS NOT NULL AND t.status <> 'deleted' AND v.thought_id IS NULL
     ORDER BY t.id LIMIT :limit
""")
"""The first finished thoughts after an id that have no vector of this model. It locks nothing."""

DELETE_LEFT_OVER: Final = text("""
    DELETE FROM thought_vectors v USING thoughts t WHERE t.id = v.thought_id AND t.status = 'deleted'
""")
"""Deletes the vectors of deleted thoughts. A web process of a release before the memory leaves them behind while both
releases run."""


def delete_left_over(database: Database) -> None:
    """Delete the vectors of deleted thoughts. Raises SQLAlchemyError; the call may be repeated."""
    database.rows(DELETE_LEFT_OVER)


def store_vector(database: Database, thought_id: UUID, model: str, embedding: Sequence[float]) -> None:
    """Store the vector of a thought. Raises SQLAlchemyError; the call may be repeated."""
    database.rows(STORE_VECTOR, id=thought_id, model=model, embedding=as_literal(embedding))


def count_missing(database: Database, model: str) -> int:
    """Return how many finished thoughts have no vector of this model. Raises SQLAlchemyError."""
    return int(database.rows(COUNT_MISSING, model=model)[0].number)


def next_missing(database: Database, model: str, after: UUID, limit: int) -> list[Row]:
    """Return id and text of the next finished thoughts without a vector of this model. Raises SQLAlchemyError."""
    return database.rows(NEXT_MISSING, model=model, after=after, limit=limit)


def as_literal(embedding: Sequence[float]) -> str:
    """Return a vector as pgvector reads it. Nine significant digits keep every bit of a number of 32 bits."""
    numbers: Sequence[Any] = embedding
    return f"[{','.join(f'{number:.9g}' for number in numbers)}]"
