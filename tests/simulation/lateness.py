"""One wait of one process ends, and what became of it: done, late, lost on the way there or back, or refused."""

from tests.simulation.choice import Action, pick
from tests.simulation.fibers import Fate
from tests.simulation.world import World


def steps(fate: Fate, *, agent: bool = False) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick([one for one in world.ready(world.workers) if (one.waits_for == "agent") is agent], n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


def bridges(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick([one for one in world.ready(world.bridges) if one.waits_for != "poll"], n)
        if fiber is not None:
            world.go(fiber, fate)
            world.replace_dead()
        return fiber is not None

    return action


def bridge_step(world: World, n: int) -> bool:
    """A bridge goes on to its next wait only."""
    fiber = pick(world.ready(world.bridges), n)
    if fiber is not None:
        world.go(fiber)
        world.replace_dead()
    return fiber is not None


def relays(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick(world.ready(world.relays), n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


def requests(fate: Fate) -> Action:
    def action(world: World, n: int) -> bool:
        fiber = pick(world.ready(world.webs), n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action
