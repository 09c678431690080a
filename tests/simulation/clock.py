"""The time of a history."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from tests.simulation.fibers import park

START_SECONDS: Final = 1e5


class Clock:
    """True time in seconds, and the wall clocks of PostgreSQL and of all other hosts, which may be wrong.

    It stands in for the module `time` in production code.
    """

    def __init__(self) -> None:
        self.now = START_SECONDS
        self.postgres_skew = 0.0
        self.hosts_skew = 0.0

    def monotonic(self) -> float:
        """Return the monotonic clock of every process."""
        return self.now

    def postgres_time(self) -> float:
        """Return PostgreSQL's wall clock."""
        return 1e6 + self.now + self.postgres_skew

    def time(self) -> float:
        """Return the wall clock of the other hosts; no decision may depend on it."""
        return self.now + self.hosts_skew

    def sleep(self, seconds: float) -> None:
        """Park for this many seconds."""
        park("sleep", wake_at=self.now + seconds)


class SimulatedDatetime:
    """Stands in for `datetime`: an event's time is part of its record's bytes, and these make a dead letter's id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self, zone: tzinfo = UTC) -> datetime:
        """Return the host's time, which may be wrong."""
        return datetime.fromtimestamp(self._clock.time(), zone)
