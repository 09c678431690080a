"""What an action is: something that may happen in a history. It says whether it could happen."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.simulation.world import World

Action = Callable[[World, int], bool]
"""The number chooses among what is there. What an action does not find is skipped: so histories can be shortened."""

T = TypeVar("T")


def pick(found: Sequence[T], n: int) -> T | None:
    """One of them, chosen by the number."""
    return found[n % len(found)] if found else None


def rotated(found: Sequence[T], n: int) -> list[T]:
    """All of them, beginning with the one that the number chooses."""
    at = n % len(found) if found else 0
    return [*found[at:], *found[:at]]
