"""The type of an action, and how its number chooses what it is applied to."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.simulation.world import World

Action = Callable[[World, int], bool]
"""One event of a history. The number chooses what it is applied to. Returns False when there is nothing to apply it to:
the action is then skipped, so a history stays valid when actions are removed from it."""

T = TypeVar("T")


def pick(candidates: Sequence[T], n: int) -> T | None:
    """Return the candidate that the number chooses, or None where there is none."""
    return candidates[n % len(candidates)] if candidates else None


def rotated(candidates: Sequence[T], n: int) -> list[T]:
    """Return all candidates, starting with the one that the number chooses."""
    start = n % len(candidates) if candidates else 0
    return [*candidates[start:], *candidates[:start]]
