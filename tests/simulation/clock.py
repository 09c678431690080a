"""The time of a history. Who in the system asks the module `time` is told this one while a history goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from types import ModuleType
from typing import Any, Final

from bridge import batches, relay
from contracts import events
from tests.simulation.fibers import park
from webapp import acceptance

MODULES: Final[tuple[ModuleType, ...]] = (batches, relay, acceptance)


class Clock:
    """True time in seconds, and PostgreSQL's wall clock, which may be wrong."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wrong = 0.0

    def monotonic(self) -> float:
        """What every process's own clock says."""
        return self.now

    def wall(self) -> float:
        """What PostgreSQL takes for the time."""
        return 1e6 + self.now + self.wrong

    def sleep(self, seconds: float) -> None:
        """Park until then."""
        park("sleep", self.now + seconds)


class Calendar:
    """In place of `datetime`: the time in an event is part of its record's bytes, and they of a dead letter's id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self, zone: tzinfo = UTC) -> datetime:
        """The date of the true time."""
        return datetime.fromtimestamp(self._clock.now, zone)


@contextmanager
def installed(clock: Clock) -> Iterator[None]:
    """Let the modules that know no clock of their own tell this one's time."""
    modules: list[Any] = list(MODULES)
    kept = [module.time for module in modules]
    dated: Any = events
    for module in modules:
        module.time = clock
    dated.datetime = Calendar(clock)
    try:
        yield
    finally:
        dated.datetime = datetime
        for module, real in zip(modules, kept, strict=True):
            module.time = real
