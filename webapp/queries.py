"""The reading statements: thoughts, their agents' runs, and what the metrics count."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Executable, Select, Uuid, any_, bindparam, func, select, text, tuple_, union
from sqlalchemy.exc import DBAPIError

from contracts.database import Database, Row
from contracts.tables import agent_runs, thoughts

ListPosition = tuple[datetime, UUID]
"""Where a thought stands in a list: when it was created, and its id."""

t = thoughts.c
r = agent_runs.c

_THOUGHT: Final = select(
    t.id, t.user_id, t.turn, t.text, t.status, t.created_at, t.started_at, t.step_started_at, t.finished_at,
    t.processing_seconds, t.error, t.steps_done, t.attempts, t.call_id, t.not_before,
).where(t.status != "deleted")  # fmt: skip

_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))
_ENDS: Final = select(r.thought_id, r.step, r.agent, r.finished_at).where(r.thought_id == any_(_IDS)).order_by(r.step)
"""Of the runs only what their events tell: outputs are large, and the streams ask often."""

_RUNS: Final = _ENDS.add_columns(r.attempts, r.started_at, r.output)
_AHEAD: Final = (
    select(func.count())
    .select_from(thoughts)
    .where(t.user_id == bindparam("user"), t.turn < bindparam("turn"), t.finished_at.is_(None))
)

RECENT: Final = timedelta(minutes=10)
"""How long a finished thought still belongs to the snapshot of a stream."""

SNAPSHOT_LENGTH: Final = 50
LATEST_LENGTH: Final = 20
OPEN_LENGTH: Final = 1000
"""Open thoughts that a reset carries at most, the newest, so that no line is long enough to exhaust the process."""

COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM outbox) AS outbox_rows,
           (SELECT COALESCE(EXTRACT(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox
             WHERE parked_at IS NULL) AS outbox_oldest_seconds,
           (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL) AS outbox_parked_rows,
           pending, processing, (SELECT count(*) FROM dead_letters WHERE state = 'open') AS dead_letters
      FROM (SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
                   count(*) FILTER (WHERE status = 'processing') AS processing
              FROM thoughts WHERE finished_at IS NULL) open_ones
""")

AUDIT: Final = text("SELECT figures, EXTRACT(epoch FROM now() - at)::float8 AS age FROM audits")
"""The last audit's figures, as `contracts.audits` has them; no row before the first one."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A thought's row and the runs of its saved steps, in order: whole, or only their ends for a stream."""

    row: Row
    runs: tuple[Row, ...]


def read(database: Database, statement: Executable, **parameters: Any) -> list[Row]:
    """Rows of a reading statement, asked once more where PostgreSQL had closed the connection (a restart)."""
    try:
        return database.rows(statement, **parameters)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return database.rows(statement, **parameters)


def one_thought(database: Database, thought_id: UUID) -> Thought | None:
    """The thought of this id."""
    return next(iter(_with_runs(database, read(database, _THOUGHT.where(t.id == thought_id)))), None)


def page_of_thoughts(
    database: Database, user_id: UUID, *, limit: int, status: str | None = None, after: ListPosition | None = None
) -> tuple[list[Thought], ListPosition | None]:
    """A user's thoughts, the latest first, from behind the place `after` on; and the place where more follow."""
    chosen = _THOUGHT.where(t.user_id == user_id)
    if status:
        chosen = chosen.where(t.status == status)
    if after:
        chosen = chosen.where(tuple_(t.created_at, t.id) < after)
    rows = read(database, chosen.order_by(t.created_at.desc(), t.id.desc()).limit(limit + 1))
    shown = rows[:limit]
    following = (shown[-1].created_at, shown[-1].id) if len(rows) > limit else None
    return _with_runs(database, shown), following


def thoughts_in_view(database: Database, user_id: UUID, watched: Collection[UUID]) -> list[Thought]:
    """What a stream of this user shows, in the order of turns, with the ends of the runs.

    These are the newest open ones and the head of the line, which is worked on; those that ended a short while ago; and
    the `watched`: the stream saw them open, or is to tell of them now.
    """
    rows = read(database, _in_view(user_id), ids=list(watched))
    known = {*watched, *[row.id for row in rows if row.finished_at is None][-1:]}
    shown = rows[:SNAPSHOT_LENGTH] + [row for row in rows[SNAPSHOT_LENGTH:] if row.id in known]
    return _with_runs(database, shown[::-1], _ENDS)


def open_and_latest(database: Database, user_id: UUID) -> list[Thought]:
    """The open thoughts and the latest ones with all that was found, in the order of turns."""
    latest = select(t.id).where(t.user_id == user_id).order_by(t.created_at.desc(), t.id.desc()).limit(LATEST_LENGTH)
    ids = union(_open_ids(user_id, OPEN_LENGTH), latest.subquery().select())
    rows = read(database, _THOUGHT.where(t.id.in_(ids)).order_by(t.turn))
    return _with_runs(database, rows)


def thoughts_ahead(database: Database, user_id: UUID, turn: int) -> int:
    """How many open thoughts of the user come before this turn."""
    return int(read(database, _AHEAD, user=user_id, turn=turn)[0][0])


def _in_view(user_id: UUID) -> Select[Any]:
    newest = (
        select(t.id, t.finished_at)
        .where(t.user_id == user_id)
        .order_by(t.created_at.desc(), t.id.desc())
        .limit(SNAPSHOT_LENGTH)
        .subquery()
    )
    fresh = select(newest.c.id).where(newest.c.finished_at > func.now() - RECENT)
    watched = select(t.id).where(t.id == any_(_IDS), t.user_id == user_id)
    ids = union(_open_ids(user_id, SNAPSHOT_LENGTH), _ids(_line(user_id).order_by(t.turn), 1), fresh, watched)
    return _THOUGHT.where(t.id.in_(ids)).order_by(t.turn.desc())


def _open_ids(user_id: UUID, most: int) -> Select[Any]:
    return _ids(_line(user_id).order_by(t.turn.desc()), most)


def _line(user_id: UUID) -> Select[Any]:
    return select(t.id).where(t.user_id == user_id, t.finished_at.is_(None))


def _ids(chosen: Select[Any], most: int) -> Select[Any]:
    """The first of them, in a form that a union takes."""
    return chosen.limit(most).subquery().select()


def _with_runs(database: Database, rows: list[Row], columns: Select[Any] = _RUNS) -> list[Thought]:
    """Join the runs in Python: the rows were read first, so every step that they call done has its run by now.

    Only a thought that was deleted in between lacks some; it is left out.
    """
    begun = [row.id for row in rows if row.steps_done]
    runs: dict[UUID, list[Row]] = {}
    for run in read(database, columns, ids=begun) if begun else []:
        runs.setdefault(run.thought_id, []).append(run)
    joined = (Thought(row, tuple(run for run in runs.get(row.id, ()) if run.step <= row.steps_done)) for row in rows)
    return [found for found in joined if len(found.runs) == found.row.steps_done]
