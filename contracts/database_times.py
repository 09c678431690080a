"""Limits the times that are read from PostgreSQL to those from FIRST to LAST.

psycopg2 raises ValueError for most times that Python cannot express, so that one row with such a time would make all
rows of a page or of a stream unreadable, and a step whose thought has it would be repeated without end.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from psycopg2 import extensions


def _bounded(cast: Callable[[str | None, Any], Any], least: date, greatest: date) -> Callable[[str | None, Any], Any]:
    """Return a conversion that replaces an earlier time by `least`, and a later one by `greatest`."""

    def convert(value: str | None, cursor: Any) -> Any:
        try:
            time = cast(value, cursor)
        except ValueError:
            return least if str(value).endswith("BC") else greatest
        return None if time is None else max(least, min(time, greatest))

    return convert


FIRST: Final = datetime(2, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9998, 12, 31, tzinfo=UTC)
"""A year from Python's own limits, so that each has a local time in every zone."""

_TIMES: Final = (
    extensions.new_type(
        extensions.PYDATETIMETZ.values,
        "BOUNDED_TIME",
        _bounded(extensions.PYDATETIMETZ, FIRST, LAST),
    ),
    extensions.new_type(
        extensions.PYDATE.values, "BOUNDED_DATE", _bounded(extensions.PYDATE, FIRST.date(), LAST.date())
    ),
)
"""The types of times and dates of a session."""


def bound_times(connection: Any) -> None:
    """Limit the times and dates that this connection of psycopg2 reads."""
    for times in _TIMES:
        extensions.register_type(times, connection)
