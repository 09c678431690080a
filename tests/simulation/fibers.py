"""Processes whose code runs until its next statement, and no further before it is told to.

The system's own functions run unchanged, each in a greenlet. Wherever they would wait for a server, an agent or a
clock they park instead, and whoever holds the schedule lets one of them go on, with what became of its wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from greenlet import getcurrent, greenlet

from contracts.settings import Settings


class Fate(Enum):
    """What became of what a fiber waited for."""

    GO = auto()
    """It was done, and answered at once."""
    LATE = auto()
    """It was done; the answer is still under way."""
    LOST = auto()
    """It was done, and the answer never came."""
    AWAY = auto()
    """It was not done, and the caller knows no more than when the answer is lost."""
    DELAYED = auto()
    """It is still under way when the caller gives up, and may be done at any time after that."""
    HALF = auto()
    """Some of it was done."""
    RACED = auto()
    """Another statement was quicker, and PostgreSQL says that it has to be asked again."""
    TRANSIENT = auto()
    PERMANENT = auto()
    INVALID = auto()
    UNSTORABLE = auto()
    """Ways in which an agent fails; the last one is a result that PostgreSQL refuses."""


@dataclass(frozen=True, slots=True)
class Means:
    """The fates that mean something at a wait, as long as the server that is waited for is there."""

    server: str = ""
    fates: frozenset[Fate] = frozenset()


NOTHING: Final = Means()


class Killed(BaseException):
    """Raised in the fibers of a process that is killed: what they did not do yet is never done."""


class Process:
    """What is killed or stopped as a whole. Its kind is the first word of its name."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.kind = name.partition(" ")[0]
        self.dead = False
        self.stopped = False
        self.awake_since = 0.0
        self.fibers: list[Fiber] = []

    def spawn(self, body: Callable[[], object], name: str = "") -> "Fiber":
        """A fiber of this process; it begins when it is first let go on."""
        fiber = Fiber(self, body, name or self.name)
        self.fibers.append(fiber)
        return fiber

    def kill(self) -> None:
        """End everything where it stands."""
        self.dead = True
        for fiber in list(self.fibers):
            fiber.end()
        self.fibers.clear()


class Fiber(greenlet):  # type: ignore[misc]  # greenlet carries no types
    """One thread of a process. `waits_for` names what it is parked at, `wake` when a sleeper is due."""

    def __init__(self, process: Process, body: Callable[[], object], name: str) -> None:
        here = getcurrent()
        super().__init__(None, here.parent or here)
        self.process = process
        self.name = name
        self.waits_for = "start"
        self.means = NOTHING
        self.wake = 0.0
        self._body = body

    def run(self, _: Fate) -> None:
        """Called by greenlet."""
        try:
            self._body()
        except Killed:
            return
        finally:
            if self in self.process.fibers:
                self.process.fibers.remove(self)

    def go(self, fate: Fate = Fate.GO) -> None:
        """Let it go on to its next wait."""
        self.switch(fate)

    def end(self) -> None:
        """Raise Killed where it is parked; who has not begun never will."""
        if self and self is not getcurrent():
            self.throw(Killed)


def park(waits_for: str, means: Means = NOTHING, *, wake: float = 0.0) -> Fate:
    """Wait, within a fiber, until the schedule lets it go on. Raises Killed."""
    fiber: Fiber = getcurrent()
    if fiber.process.dead:
        raise Killed
    fiber.waits_for, fiber.means, fiber.wake = waits_for, means, wake
    fate: Fate = fiber.parent.switch()
    if fiber.process.dead:
        raise Killed
    return fate
