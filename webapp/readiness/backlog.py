"""Reads how much work waits, and for how long: from the tables, and from the relay's last audit."""

from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database
from webapp.queries import AUDIT, COUNTS
from webapp.readiness.probe import CheckError

Backlog = dict[str, Any]


def read_backlog(database: Database) -> Backlog:
    """Return the figures of `GET /health/ready`. Raises CheckError when PostgreSQL is unavailable.

    `lag` counts the records of the work topic that are not committed, as of the last audit, `lag_age_seconds` ago. Both
    are None before the first audit.
    """
    try:
        counts, audits = database.rows(COUNTS)[0], database.rows(AUDIT)
    except SQLAlchemyError as error:
        raise CheckError("PostgreSQL does not tell how much work waits.") from error
    lags = [partition.get("lag") for partition in audits[0].figures.get("partitions", [])] if audits else []
    known_lags = [lag for lag in lags if isinstance(lag, int)]
    return {
        "waiting": counts.pending,
        "processing": counts.processing,
        "oldest_waiting_seconds": round(counts.waiting_oldest_seconds, 1),
        "outbox_rows": counts.outbox_rows,
        "outbox_oldest_seconds": round(counts.outbox_oldest_seconds, 1),
        "dead_letters": counts.dead_letters,
        "lag": sum(known_lags) if known_lags else None,
        "lag_age_seconds": round(audits[0].age, 1) if known_lags else None,
    }
