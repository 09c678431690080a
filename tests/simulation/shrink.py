"""The shortest history found that still breaks the same sentence: whole parts are left out, then smaller ones."""

from collections.abc import Callable
from typing import Final

from tests.simulation.histories import History, play
from tests.simulation.sentences import Breach

TRIES: Final = 3_000
"""Replays that a shortening may take."""


def shortest(history: History, off: frozenset[str] = frozenset(), tries: int = TRIES) -> History:
    """A part of the history that breaks the sentence that the whole one breaks; the history itself if it breaks none.

    After Zeller's delta debugging: no action that is left can be left out alone, unless the tries were used up.
    """
    breach = play(history, off).breach
    if breach is None:
        return history
    budget = Budget(tries)

    def still_breaks(part: History) -> bool:
        return _breaks(part, off, breach)

    found, size = list(history), max(1, len(history) // 2)
    while True:
        shorter = _without_parts(found, size, still_breaks, budget)
        if size == 1 and (len(shorter) == len(found) or budget.is_spent):
            return shorter
        size = max(1, size // 2) if len(shorter) == len(found) or size > 1 else 1
        found = list(shorter)


class Budget:
    """Counts down."""

    def __init__(self, tries: int) -> None:
        self._left = tries

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def spend(self) -> bool:
        """Whether there was one left."""
        self._left -= 1
        return self._left >= 0


def _without_parts(history: History, size: int, still_breaks: Callable[[History], bool], budget: Budget) -> History:
    """Leave out every part of this size that is not needed, from the end on: what comes late is needed least."""
    found = list(history)
    for at in range(max(0, len(found) - size), -size, -size):
        part = [*found[: max(0, at)], *found[at + size :]]
        if len(part) < len(found) and budget.spend() and still_breaks(part):
            found = part
    return found


def _breaks(history: History, off: frozenset[str], wanted: Breach) -> bool:
    found = play(history, off).breach
    return found is not None and found.sentence is wanted.sentence
