"""The rows of `batches`, as those who ask for a batch see them: the request, how far it is, and what failed in it."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from contracts.database import Database

REQUEST: Final = text("""
    WITH waiting AS (UPDATE batches SET asked_at = GREATEST(asked_at, now()) WHERE begun_at IS NULL RETURNING id),
    fresh AS (INSERT INTO batches (asked_at) SELECT now() WHERE NOT EXISTS (SELECT FROM waiting) RETURNING id)
    SELECT id, true AS fresh FROM fresh UNION ALL SELECT id, false FROM waiting ORDER BY id
""")
"""One that no bridge has begun serves both askers, up to the later one's moment; a clock that was set back in between
takes nothing from the first."""

PROGRESS: Final = text("""
    SELECT b.begun, b.open, b.ended_at IS NOT NULL OR b.begun AND b.open = 0 AS ended FROM (
      SELECT ended_at, begun_at IS NOT NULL AS begun,
             (SELECT count(*) FROM thoughts t WHERE t.finished_at IS NULL AND t.created_at <= asked_at) AS open
        FROM batches WHERE id = :id) b
""")
"""One that has begun has ended with its last thought, whoever worked it off: where the mode was switched meanwhile, no
bridge writes that down before it works in batches again."""

FAILED: Final = text("""
    SELECT count(*)
      FROM batches b JOIN dead_letters d ON d.created_at BETWEEN b.asked_at AND COALESCE(b.ended_at, now())
      JOIN thoughts t ON t.id = d.thought_id AND t.created_at <= b.asked_at WHERE b.id = :id
""")


@dataclass(frozen=True, slots=True)
class Requested:
    """The batch that answers a request; not `fresh`: somebody had asked already."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is; `open` counts its thoughts that are neither completed nor failed."""

    begun: bool
    ended: bool
    open: int


class Batches:
    """The statements. All methods raise SQLAlchemyError and may be called again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self) -> Requested:
        """Ask the bridges to work off every thought written until now."""
        row = self._database.rows(REQUEST)[0]
        return Requested(row.id, row.fresh)

    def progress(self, batch: int) -> BatchState:
        """How far this batch is."""
        row = self._database.rows(PROGRESS, id=batch)[0]
        return BatchState(row.begun, row.ended, row.open)

    def failed(self, batch: int) -> int:
        """How many thoughts of an ended batch became dead letters in it."""
        return int(self._database.rows(FAILED, id=batch)[0][0])
