"""Draws a history from a seed, and plays it."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from tests.simulation.actions import ACTIONS
from tests.simulation.final_phase import finish
from tests.simulation.guard_switches import switched_off
from tests.simulation.invariants import Violation
from tests.simulation.joining_actions import with_joins
from tests.simulation.patches import patched
from tests.simulation.themes import draw_weights
from tests.simulation.world import FaultHit, World

ActionCall = tuple[str, int]
History = Sequence[ActionCall]

LENGTH: Final = 220


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """The violation, if any, how often each action and observation happened, and which faults hit which waits."""

    violation: Violation | None
    observations: Counter[str]
    fault_hits: Counter[FaultHit]
    trace: tuple[str, ...]


def draw(seed: int, length: int = LENGTH) -> History:
    """Return the history of a seed."""
    rng = Random(seed)
    weights = draw_weights(rng)
    names = rng.choices(list(weights), cum_weights=list(accumulate(weights.values())), k=length)
    history = [(name, rng.getrandbits(24)) for name in names]
    return with_joins(history, Random(f"sign-ins of {seed}"))


def play(history: History, disabled: frozenset[str] = frozenset(), *, with_trace: bool = False) -> HistoryResult:
    """Play a history without the `disabled` guards, to its end or to the first violation."""
    world = World(disabled)
    world.trace = [] if with_trace else None
    with patched(world), switched_off(disabled), silenced_logs():
        try:
            _play(world, history)
        finally:
            world.close()
    events = world.observations + world.checks.observations + world.kafka.observations
    return HistoryResult(world.checks.violation, events, world.fault_hits, tuple(world.trace or ()))


def _play(world: World, history: History) -> None:
    for name, number in history:
        world.log(f"--- {name}")
        if ACTIONS[name](world, number):
            world.observations[name] += 1
        if world.checks.violation:
            return
    world.observations["claims before the final phase"] = world.checks.claims
    world.log("--- final phase")
    finish(world)


@contextmanager
def silenced_logs() -> Iterator[None]:
    """Disable logging: production code logs every fault."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
