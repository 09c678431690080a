"""The time of a history."""

from datetime import UTC, datetime, tzinfo
from typing import Final

from tests.simulation.fibers import park

BEGIN: Final = 1e5


class Clock:
    """True time in seconds, and the wall clocks of PostgreSQL and of all other hosts, which may be wrong."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.wrong = 0.0
        self.hosts_wrong = 0.0

    def monotonic(self) -> float:
        """What every process's own clock says."""
        return self.now

    def wall(self) -> float:
        """What PostgreSQL takes for the time."""
        return 1e6 + self.now + self.wrong

    def time(self) -> float:
        """What the other hosts take for the time; nobody may decide anything by it."""
        return self.now + self.hosts_wrong

    def sleep(self, seconds: float) -> None:
        """Park until then."""
        park("sleep", wake=self.now + seconds)


class Calendar:
    """In place of `datetime`: the time in an event is part of its record's bytes, and they of a dead letter's id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self, zone: tzinfo = UTC) -> datetime:
        """The date that the host believes in."""
        return datetime.fromtimestamp(self._clock.time(), zone)
