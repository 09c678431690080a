"""The client's statements about the table `batches`: request a batch, poll its progress, and count its failures."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from contracts.database import Database, make_engine
from contracts.dead_letters import CANCELLED
from contracts.settings import Settings

REQUEST: Final = text("""
    WITH waiting AS (UPDATE batches SET asked_at = GREATEST(asked_at, now()) WHERE begun_at IS NULL RETURNING id),
    fresh AS (INSERT INTO batches (asked_at) SELECT now() WHERE NOT EXISTS (SELECT FROM waiting) RETURNING id)
    SELECT id, true AS fresh FROM fresh UNION ALL SELECT id, false FROM waiting ORDER BY id
""")
"""A batch that no bridge has begun serves every request: `asked_at` moves to the time of the latest request. It never
moves back, so a clock that was set back removes no thought from the batch."""

PROGRESS: Final = text("""
    SELECT b.begun, b.open, b.ended_at IS NOT NULL OR b.begun AND b.open = 0 AS ended FROM (
      SELECT ended_at, begun_at IS NOT NULL AS begun,
             (SELECT count(*) FROM thoughts t WHERE t.finished_at IS NULL
               AND (t.created_at <= asked_at OR t.created_at > now())) AS open
        FROM batches WHERE id = :id) b
""")
"""A batch that has begun has ended when its last thought has ended, even where `ended_at` is not set: after a switch to
Kafka no bridge sets it until one works in batch mode again."""

FAILED: Final = text("""
    SELECT count(*)
      FROM batches b JOIN dead_letters d ON d.created_at BETWEEN b.asked_at AND COALESCE(b.ended_at, now())
      JOIN thoughts t ON t.id = d.thought_id AND t.created_at <= b.asked_at
     WHERE b.id = :id AND d.reason <> :cancelled
""")
"""Counts the dead letters of the batch's thoughts that were written while it ran, without those of cancelled ones."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The batch that serves a request. `is_new` is false when an earlier request had already created it."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class BatchState:
    """The progress of a batch. `open` counts its thoughts that are not terminal."""

    begun: bool
    ended: bool
    open: int


class Batches:
    """Runs the statements. All methods raise SQLAlchemyError and may be called again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self) -> Requested:
        """Request that a bridge processes every thought written until now; return the batch."""
        row = self._database.rows(REQUEST)[0]
        return Requested(row.id, row.fresh)

    def progress(self, batch: int) -> BatchState:
        """Return the progress of a batch."""
        row = self._database.rows(PROGRESS, id=batch)[0]
        return BatchState(row.begun, row.ended, row.open)

    def failed(self, batch: int) -> int:
        """Return how many thoughts of an ended batch became dead letters in it."""
        return int(self._database.rows(FAILED, id=batch, cancelled=CANCELLED)[0][0])


def request_batch(settings: Settings) -> None:
    """Request a batch over a connection that is opened and closed for this call. Raises SQLAlchemyError."""
    engine = make_engine(settings.database_url, "beat", connections=1)
    try:
        Batches(Database(engine)).request()
    finally:
        engine.dispose()
