"""Processes whose code runs until its next wait, and no further until the history lets it go on.

The system's own functions run unchanged, each in a greenlet. Where they would wait for a server, an agent or a clock
they park instead. The history advances one parked fiber at a time, and chooses the outcome of its wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from greenlet import getcurrent, greenlet

from contracts.settings import Settings


class Outcome(Enum):
    """The outcome of a fiber's wait."""

    DONE = auto()
    """The request was executed, and its answer arrives at once."""
    ANSWER_LATE = auto()
    """The request was executed; its answer is still on the way."""
    ANSWER_LOST = auto()
    """The request was executed, and its answer never arrives."""
    UNREACHABLE = auto()
    """The request was not executed. The caller cannot tell this from a lost answer."""
    DELAYED = auto()
    """The request is still on the way when the caller gives up, and may be executed at any time after that."""
    PARTIAL = auto()
    """A part of the request was executed."""
    RACED = auto()
    """Another statement changed the row first, and PostgreSQL answers that the caller must ask again."""
    TRANSIENT = auto()
    PERMANENT = auto()
    INVALID = auto()
    UNSTORABLE = auto()
    SERVICE = auto()
    """The failures of an agent: UNSTORABLE is a result that PostgreSQL refuses, SERVICE one of the model service."""

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class PossibleOutcomes:
    """The outcomes besides DONE that a wait can have while the server that it waits for is available."""

    server: str = ""
    outcomes: frozenset[Outcome] = frozenset()


ONLY_DONE: Final = PossibleOutcomes()


class ProcessKilled(BaseException):
    """Raised in the fibers of a process that is killed: the rest of their work is never done."""


class Process:
    """A process, which is killed or suspended as a whole. Its kind is the first word of its name."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.kind = name.partition(" ")[0]
        self.is_dead = False
        self.is_suspended = False
        self.awake_since = 0.0
        self.fibers: list[Fiber] = []

    def spawn(self, body: Callable[[], object], name: str = "") -> "Fiber":
        """Return a new fiber of this process; it starts when it is advanced for the first time."""
        fiber = Fiber(self, body, name or self.name)
        self.fibers.append(fiber)
        return fiber

    def kill(self) -> None:
        """End every fiber where it is parked."""
        self.is_dead = True
        for fiber in list(self.fibers):
            fiber.kill()
        self.fibers.clear()


class Fiber(greenlet):  # type: ignore[misc]  # greenlet carries no types
    """One thread of a process. `waits_for` names its wait, `wake_at` is when a sleeper is due."""

    def __init__(self, process: Process, body: Callable[[], object], name: str) -> None:
        current = getcurrent()
        super().__init__(None, current.parent or current)
        self.process = process
        self.name = name
        self.waits_for = "start"
        self.possible = ONLY_DONE
        self.wake_at = 0.0
        self._body = body

    def run(self, _: Outcome) -> None:
        """Run the body. Called by greenlet."""
        try:
            self._body()
        except ProcessKilled:
            return
        finally:
            if self in self.process.fibers:
                self.process.fibers.remove(self)

    def advance(self, outcome: Outcome = Outcome.DONE) -> None:
        """Run until the next wait."""
        self.switch(outcome)

    def kill(self) -> None:
        """Raise ProcessKilled where the fiber is parked; a fiber that has not started never does."""
        if self and self is not getcurrent():
            self.throw(ProcessKilled)


def park(waits_for: str, possible: PossibleOutcomes = ONLY_DONE, *, wake_at: float = 0.0) -> Outcome:
    """Wait, within a fiber, until the history advances it; return the outcome. Raises ProcessKilled."""
    fiber: Fiber = getcurrent()
    if fiber.process.is_dead:
        raise ProcessKilled
    fiber.waits_for, fiber.possible, fiber.wake_at = waits_for, possible, wake_at
    outcome: Outcome = fiber.parent.switch()
    if fiber.process.is_dead:
        raise ProcessKilled
    return outcome
