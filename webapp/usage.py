"""Sums the calls, tokens and cost of saved results: of one thought, and of a user's thoughts per day in UTC.

A sum is complete when every part of it is known. An unknown price makes it a lower bound, and so does a call that was
repeated, because the call without a result may have been paid as well. A sum without any known part is None, never 0.
Deleted thoughts have no results any more, so they are not counted, and neither are results that were copied.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from contracts.database import Database, Row
from webapp.queries import Thought, read

USAGE_PER_DAY: Final = text("""
    SELECT (r.finished_at AT TIME ZONE 'UTC')::date AS day, sum(r.attempts)::bigint AS calls,
           sum(r.tokens_in)::bigint AS tokens_in, sum(r.tokens_out)::bigint AS tokens_out, sum(r.cost_usd) AS cost_usd,
           count(*) FILTER (WHERE r.tokens_in IS NULL OR r.tokens_out IS NULL
                               OR (r.attempts > 1 AND r.tokens_in + r.tokens_out > 0)) = 0 AS tokens_complete,
           count(*) FILTER (WHERE r.cost_usd IS NULL OR (r.attempts > 1 AND r.cost_usd > 0)) = 0 AS cost_complete
      FROM (SELECT id FROM thoughts WHERE user_id = :user AND finished_at IS NULL
             UNION ALL
            SELECT id FROM thoughts WHERE user_id = :user AND finished_at >= :since) t
      JOIN agent_runs r ON r.thought_id = t.id
     WHERE r.finished_at >= :since AND r.reused_from IS NULL
     GROUP BY day ORDER BY day DESC
""")
"""The sums of a user's results that were saved since :since, one row for each day with a call, the latest first.

A thought ends with or after its last result, so thoughts that ended before :since are not read."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What some calls used. With `tokens_complete` or `cost_complete` false, the figure is a lower bound."""

    calls: int = 0
    tokens_in: int | None = 0
    tokens_out: int | None = 0
    cost_usd: Decimal | None = Decimal(0)
    tokens_complete: bool = True
    cost_complete: bool = True


@dataclass(frozen=True, slots=True)
class UsagePerDay:
    """The sums of a user: in all, and for each day with a result, the latest first."""

    since: date
    total: Usage
    days: Sequence[tuple[date, Usage]]


def usage_of_thought(thought: Thought) -> Usage:
    """Return the sums of the thought's results, without copied ones. Calls of a step without a result are counted, and
    unknown."""
    parts = [_usage_of_run(run) for run in thought.runs if run.reused_from is None]
    if thought.row.attempts:
        parts.append(Usage(thought.row.attempts, None, None, None, tokens_complete=False, cost_complete=False))
    return _sum(parts)


def usage_per_day(database: Database, user_id: UUID | None, days: int) -> UsagePerDay:
    """Return what the user's thoughts used today and on the `days` - 1 days before, in UTC. Nobody (None) used nothing.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    start = datetime.combine(since, time.min, UTC)
    rows = read(database, USAGE_PER_DAY, user=user_id, since=start) if user_id else []
    per_day = [(row.day, _usage_of_row(row)) for row in rows]
    return UsagePerDay(since, _sum([usage for _, usage in per_day]), per_day)


def _usage_of_run(run: Row) -> Usage:
    is_single = run.attempts == 1
    tokens = None if run.tokens_in is None or run.tokens_out is None else run.tokens_in + run.tokens_out
    return Usage(
        run.attempts,
        run.tokens_in,
        run.tokens_out,
        run.cost_usd,
        tokens_complete=tokens is not None and (is_single or tokens == 0),
        cost_complete=run.cost_usd is not None and (is_single or run.cost_usd == 0),
    )


def _usage_of_row(row: Row) -> Usage:
    sums = (row.calls, row.tokens_in, row.tokens_out, row.cost_usd)
    return Usage(*sums, tokens_complete=row.tokens_complete, cost_complete=row.cost_complete)


def _sum(parts: Sequence[Usage]) -> Usage:
    if not parts:
        return Usage()
    return Usage(
        sum(part.calls for part in parts),
        _sum_of_known(part.tokens_in for part in parts),
        _sum_of_known(part.tokens_out for part in parts),
        _sum_of_known(part.cost_usd for part in parts),
        tokens_complete=all(part.tokens_complete for part in parts),
        cost_complete=all(part.cost_complete for part in parts),
    )


def _sum_of_known(figures: Iterable[Any]) -> Any:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None
