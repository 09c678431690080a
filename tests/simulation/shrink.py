"""Shortens a history that violates an invariant: large parts are left out first, then smaller ones."""

from collections.abc import Callable
from typing import Final

from tests.simulation.histories import History, play
from tests.simulation.invariants import Violation

MAX_REPLAYS: Final = 3_000


def shortest(history: History, disabled: frozenset[str] = frozenset()) -> History:
    """Return a part of the history that violates the same invariant; the history itself if it violates none.

    After Zeller's delta debugging: unless the replays were used up, no remaining action can be left out alone.
    """
    violation = play(history, disabled).violation
    if violation is None:
        return history
    budget = Budget(MAX_REPLAYS)

    def still_violates(part: History) -> bool:
        return _violates(part, disabled, violation)

    current, size = list(history), max(1, len(history) // 2)
    while True:
        shorter = _without_parts(current, size, still_violates, budget)
        if size == 1 and (len(shorter) == len(current) or budget.is_spent):
            return shorter
        size = max(1, size // 2) if len(shorter) == len(current) or size > 1 else 1
        current = list(shorter)


class Budget:
    """Counts the remaining replays."""

    def __init__(self, replays: int) -> None:
        self._remaining = replays

    @property
    def is_spent(self) -> bool:
        return self._remaining <= 0

    def spend(self) -> bool:
        """Use one replay; return False when none was left."""
        self._remaining -= 1
        return self._remaining >= 0


def _without_parts(history: History, size: int, still_violates: Callable[[History], bool], budget: Budget) -> History:
    """Leave out every part of this size that is not needed, from the end on: late actions are needed least."""
    needed = list(history)
    for start in range(max(0, len(needed) - size), -size, -size):
        part = [*needed[: max(0, start)], *needed[start + size :]]
        if len(part) < len(needed) and budget.spend() and still_violates(part):
            needed = part
    return needed


def _violates(history: History, disabled: frozenset[str], expected: Violation) -> bool:
    violation = play(history, disabled).violation
    return violation is not None and violation.invariant is expected.invariant
