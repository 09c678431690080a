"""Histories drawn from a seed, and played."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from tests.simulation.actions import ACTIONS
from tests.simulation.ending import settle
from tests.simulation.installed import installed
from tests.simulation.sentences import Breach
from tests.simulation.switches import switched_off
from tests.simulation.themes import kinds_of
from tests.simulation.world import Bite, World

Step = tuple[str, int]
History = Sequence[Step]

LENGTH: Final = 220


@dataclass(frozen=True, slots=True)
class Played:
    """How a history went: what it broke, if anything, how often each action found something to do, and whom it met."""

    breach: Breach | None
    met: Counter[str]
    bites: Counter[Bite]
    story: tuple[str, ...]


def draw(seed: int, length: int = LENGTH) -> History:
    """The history of a seed."""
    chance = Random(seed)
    kinds = kinds_of(chance)
    names = chance.choices(list(kinds), cum_weights=list(accumulate(kinds.values())), k=length)
    return [(name, chance.getrandbits(24)) for name in names]


def play(history: History, off: frozenset[str] = frozenset(), *, tell: bool = False) -> Played:
    """Play a history to its end, or to its first breach of the promise."""
    world = World(off)
    world.story = [] if tell else None
    with installed(world), switched_off(off), quiet():
        try:
            _play(world, history)
        finally:
            world.close()
    return Played(world.promise.breach, world.met + world.promise.met, world.bites, tuple(world.story or ()))


def _play(world: World, history: History) -> None:
    for name, number in history:
        world.tell(f"--- {name}")
        if ACTIONS[name](world, number):
            world.met[name] += 1
        if world.promise.breach:
            return
    world.met["claims before the end"] = world.promise.claims
    world.tell("--- no more faults")
    settle(world)


@contextmanager
def quiet() -> Iterator[None]:
    """What the code under test logs about its faults is not to be read here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
