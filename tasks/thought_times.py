"""Replaces times of a thought that a wrong clock has stored, before an agent uses them. Pure."""

from datetime import UTC, datetime
from typing import Final

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No thought was written earlier; what is later leaves room for dates such as "20 years ago"."""

LONGEST_SECONDS: Final = 366 * 86400.0
"""No thought is in progress for longer than a year."""


def written_at(stored: datetime, now: datetime) -> datetime:
    """Return when a thought was written: now, where the stored time is in the future."""
    return max(FIRST, min(stored, now))


def elapsed_seconds(stored: float | None) -> float:
    """Return the seconds since a thought was begun; 0.0 where the stored time cannot be believed."""
    return stored if stored is not None and 0.0 <= stored <= LONGEST_SECONDS else 0.0
