"""The web's reads from PostgreSQL: thoughts, the runs of their agents, batches, and the figures of the metrics.

Its writes are in `submission.py`, `deletion.py` and `profile/store.py`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, takewhile
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Executable, Select, Text, Uuid, any_, bindparam, cast, func, select, text, tuple_, union
from sqlalchemy.exc import DBAPIError

from agents.catalogue import CATALOGUE
from contracts.database import Database, Row
from contracts.tables import agent_runs, thoughts

ListPosition = tuple[datetime, UUID]
"""The position of a thought in a list: its creation time and its id."""

t = thoughts.c
r = agent_runs.c

_THOUGHT: Final = select(
    t.id, t.user_id, t.turn, t.text, t.status, t.created_at, t.started_at, t.step_started_at, t.finished_at,
    t.processing_seconds, t.error, t.steps_done, t.attempts, t.call_id, t.not_before, t.waiting,
).where(t.status != "deleted")  # fmt: skip

_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))
_ENDS: Final = select(r.thought_id, r.step, r.agent, r.finished_at).where(r.thought_id == any_(_IDS)).order_by(r.step)
"""Only the columns that events need, because outputs are large and streams query often."""

_RUNS: Final = _ENDS.add_columns(
    r.attempts, r.started_at, r.output, r.version, r.provider, r.model, r.tokens_in, r.tokens_out, r.cost_usd,
    r.dropped_claims, r.profile_version, r.reused_from, r.earlier_thoughts,
)  # fmt: skip
_OUTLINE: Final = select(
    t.id, t.user_id, t.turn, func.octet_length(t.text).label("text_bytes"), t.status, t.created_at, t.started_at,
    t.finished_at, t.processing_seconds, t.error, t.steps_done,
).where(t.status != "deleted")  # fmt: skip
"""Without the text, because a stream may hold many thoughts while its client does not read."""

_TEXTS: Final = select(t.id, t.text).where(t.id == any_(_IDS), t.user_id == bindparam("user"), t.status != "deleted")

THOUGHT_BYTES: Final = 2000
"""About what a thought's JSON takes besides its text and outputs."""

_earlier: Final = thoughts.alias("earlier")
_SIZE: Final = (
    THOUGHT_BYTES
    + func.octet_length(t.text)
    + func.coalesce(
        select(func.sum(func.octet_length(cast(r.output, Text)))).where(r.thought_id == t.id).scalar_subquery(), 0
    )
    + func.coalesce(
        select(func.sum(func.octet_length(_earlier.c.text)))
        .where(_earlier.c.id.in_(select(func.unnest(r.earlier_thoughts)).where(r.thought_id == t.id)))
        .scalar_subquery(),
        0,
    )
).label("size")
"""About the bytes of a thought's JSON: its text, its outputs and the similar thoughts. Only their sizes are sent.

An output counts as text, because the size of its column is that of its compressed form, which may be a hundredth."""

_SIZES: Final = select(t.id, t.created_at, _SIZE).where(t.status != "deleted")

PAGE_BYTES: Final = 1024 * 1024
"""The bytes of a page. A page with long texts has fewer thoughts than its limit; the next one has the rest."""

RESET_BYTES: Final = 256 * 1024
"""The bytes of a reset, which many streams may hold at once."""

_AHEAD: Final = (
    select(func.count())
    .select_from(thoughts)
    .where(t.user_id == bindparam("user"), t.turn < bindparam("turn"), t.finished_at.is_(None))
)

RECENT: Final = timedelta(minutes=10)
"""How long a finished thought stays in the snapshot of a stream."""

SNAPSHOT_LENGTH: Final = 50
"""Thoughts in the snapshot of a stream; the head of the line and the watched ones are added."""

LATEST_LENGTH: Final = 20
"""Thoughts on the home page, and latest thoughts in a reset."""

OPEN_LENGTH: Final = 1000
"""Open thoughts in a reset, the newest first, so that a very long line cannot exhaust the memory of the process."""

COUNTS: Final = text("""
    SELECT (SELECT count(*) FROM outbox) AS outbox_rows,
           (SELECT COALESCE(EXTRACT(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox
             WHERE parked_at IS NULL) AS outbox_oldest_seconds,
           (SELECT count(*) FROM outbox WHERE parked_at IS NOT NULL) AS outbox_parked_rows,
           pending, processing, waiting_oldest_seconds,
           (SELECT count(*) FROM dead_letters WHERE state = 'open') AS dead_letters
      FROM (SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
                   count(*) FILTER (WHERE status = 'processing') AS processing,
                   COALESCE(EXTRACT(epoch FROM now() - min(created_at) FILTER (WHERE status = 'pending')), 0)::float8
                       AS waiting_oldest_seconds
              FROM thoughts WHERE finished_at IS NULL) open_ones
""")
"""The figures of the gauges, in one row."""

WAITING_FOR_MODEL: Final = text("""
    SELECT waiting->>'kind' AS kind, count(*) AS number FROM thoughts
     WHERE finished_at IS NULL AND waiting IS NOT NULL GROUP BY 1 ORDER BY 1
""")
"""How many thoughts wait for their model, by the reason."""

AUDIT: Final = text("SELECT figures, EXTRACT(epoch FROM now() - at)::float8 AS age FROM audits")
"""The figures of the last audit, described in `contracts.audits`; no row before the first audit."""


RUNNING_BATCH: Final = text("""
    SELECT FROM batches
     WHERE begun_at IS NOT NULL AND ended_at IS NULL AND (asked_at >= :created_at OR :created_at > now())
""")
"""Running batches that include this thought; a thought written after the request of a batch waits for the next one."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A thought's row and the runs of its saved steps in order: complete, or for a stream only the columns of _ENDS."""

    row: Row
    runs: tuple[Row, ...]

    @property
    def total_steps(self) -> int:
        """The number of the thought's agents. A completed thought keeps its number when an agent is added later."""
        return int(self.row.steps_done) if self.row.status == "completed" else CATALOGUE.total


def read(database: Database, statement: Executable, **parameters: Any) -> list[Row]:
    """Return the rows of a read-only statement, repeating it once when PostgreSQL closed the connection (a restart).

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    try:
        return database.rows(statement, **parameters)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return database.rows(statement, **parameters)


def find_thought(database: Database, thought_id: UUID) -> Thought | None:
    """Return the thought with this id, or None when there is none or it was deleted."""
    return next(iter(_with_runs(database, read(database, _THOUGHT.where(t.id == thought_id)))), None)


def page_of_thoughts(
    database: Database, user_id: UUID, *, limit: int, status: str | None = None, after: ListPosition | None = None
) -> tuple[list[Thought], ListPosition | None]:
    """Return a user's thoughts after `after`, the latest first, and the position of the next page or None.

    The page has at most `limit` thoughts, and fewer when they would exceed PAGE_BYTES, but always one.
    """
    sizes = read(database, listed(_SIZES, user_id, status, after).limit(limit + 1))
    page = sizes[: min(limit, number_that_fits([row.size for row in sizes], PAGE_BYTES))]
    rows = read(database, _THOUGHT.where(t.id == any_(_IDS)), ids=[row.id for row in page])
    rows.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    return _with_runs(database, rows), _next_position(page, sizes)


def listed(columns: Select[Any], user_id: UUID, status: str | None, after: ListPosition | None) -> Select[Any]:
    """Select the thoughts of a user's list after `after`, the latest first."""
    selected = columns.where(t.user_id == user_id, t.status != "deleted")
    if status:
        selected = selected.where(t.status == status)
    if after:
        selected = selected.where(tuple_(t.created_at, t.id) < after)
    return selected.order_by(t.created_at.desc(), t.id.desc())


def first_that_fit(database: Database, ids: Sequence[UUID]) -> Sequence[UUID]:
    """Return the first of these thoughts, as many as stay within PAGE_BYTES; at least one."""
    sizes = {row.id: row.size for row in read(database, _SIZES.where(t.id == any_(_IDS)), ids=list(ids))}
    return ids[: number_that_fits([sizes.get(thought_id, 0) for thought_id in ids], PAGE_BYTES)]


def number_that_fits(sizes: Iterable[int], limit_bytes: int) -> int:
    """Return how many of the sizes, from the first, stay within the limit; at least one."""
    sums = accumulate(sizes)
    return max(1, sum(1 for _ in takewhile(lambda total: total <= limit_bytes, sums)))


def _next_position(page: Sequence[Row], selected: Sequence[Row]) -> ListPosition | None:
    return (page[-1].created_at, page[-1].id) if len(selected) > len(page) else None


def texts_of_user(database: Database, user_id: UUID, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the texts of those of the thoughts that belong to the user and are not deleted."""
    return {row.id: row.text for row in read(database, _TEXTS, ids=list(ids), user=user_id)}


def thoughts_of_user(database: Database, user_id: UUID, ids: Sequence[UUID]) -> list[Thought]:
    """Return those of the thoughts that belong to the user, in any order."""
    mine = _THOUGHT.where(t.user_id == user_id, t.id == any_(_IDS))
    return _with_runs(database, read(database, mine, ids=list(ids)))


def thoughts_in_view(database: Database, user_id: UUID, watched: Collection[UUID]) -> list[Thought]:
    """Return the thoughts that a stream of this user shows, in the order of turns, as _OUTLINE and _ENDS of their runs.

    These are the newest open thoughts; the head of the line, which is being processed; the ones that finished within
    the last RECENT; and the `watched` ones, which the stream saw open or is about to send an event of.
    """
    rows = read(database, _in_view(user_id), ids=list(watched))
    always_shown = {*watched, *[row.id for row in rows if row.finished_at is None][-1:]}
    shown = rows[:SNAPSHOT_LENGTH] + [row for row in rows[SNAPSHOT_LENGTH:] if row.id in always_shown]
    return _with_runs(database, shown[::-1], _ENDS)


def open_and_latest(database: Database, user_id: UUID) -> tuple[list[Thought], ListPosition | None]:
    """Return the open thoughts and the latest ones with all outputs, in the order of turns.

    When they exceed RESET_BYTES, only the ones written last are returned, and the position in the list of thoughts
    after which the others follow; otherwise None.
    """
    latest = select(t.id).where(t.user_id == user_id).order_by(t.created_at.desc(), t.id.desc()).limit(LATEST_LENGTH)
    ids = union(_open_ids(user_id, OPEN_LENGTH), latest.subquery().select())
    sizes = read(database, _SIZES.where(t.id.in_(ids)).order_by(t.created_at.desc(), t.id.desc()))
    shown = sizes[: number_that_fits([row.size for row in sizes], RESET_BYTES)]
    rows = read(database, _THOUGHT.where(t.id == any_(_IDS)).order_by(t.turn), ids=[row.id for row in shown])
    return _with_runs(database, rows), _next_position(shown, sizes)


def thoughts_ahead(database: Database, user_id: UUID, turn: int) -> int:
    """Return how many open thoughts of the user come before this turn."""
    return int(read(database, _AHEAD, user=user_id, turn=turn)[0][0])


def is_in_running_batch(database: Database, created_at: datetime) -> bool:
    """Return whether a batch that includes a thought of this time is running."""
    return bool(read(database, RUNNING_BATCH, created_at=created_at))


def _in_view(user_id: UUID) -> Select[Any]:
    newest = (
        select(t.id, t.finished_at)
        .where(t.user_id == user_id)
        .order_by(t.created_at.desc(), t.id.desc())
        .limit(SNAPSHOT_LENGTH)
        .subquery()
    )
    recent = select(newest.c.id).where(newest.c.finished_at > func.now() - RECENT)
    watched = select(t.id).where(t.id == any_(_IDS), t.user_id == user_id)
    ids = union(_open_ids(user_id, SNAPSHOT_LENGTH), _ids(_line(user_id).order_by(t.turn), 1), recent, watched)
    return _OUTLINE.where(t.id.in_(ids)).order_by(t.turn.desc())


def _open_ids(user_id: UUID, limit: int) -> Select[Any]:
    return _ids(_line(user_id).order_by(t.turn.desc()), limit)


def _line(user_id: UUID) -> Select[Any]:
    return select(t.id).where(t.user_id == user_id, t.finished_at.is_(None))


def _ids(selected: Select[Any], limit: int) -> Select[Any]:
    """Limit a selection of ids, in a form that a union accepts."""
    return selected.limit(limit).subquery().select()


def _with_runs(database: Database, rows: list[Row], columns: Select[Any] = _RUNS) -> list[Thought]:
    """Join the rows with their runs in Python.

    The rows were read first, so every step that they count as done has its run by now. Only a thought that was deleted
    in between lacks runs; it is left out.
    """
    with_steps = [row.id for row in rows if row.steps_done]
    runs: dict[UUID, list[Row]] = {}
    for run in read(database, columns, ids=with_steps) if with_steps else []:
        runs.setdefault(run.thought_id, []).append(run)
    joined = (Thought(row, tuple(run for run in runs.get(row.id, ()) if run.step <= row.steps_done)) for row in rows)
    return [thought for thought in joined if len(thought.runs) == thought.row.steps_done]
