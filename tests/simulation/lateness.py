"""One wait of one process ends, and what became of it: done, late, lost on the way there or back, or refused.

Whoever is to meet a fault is first let go on until it waits where the fault means something; what is left of its round
is done when it is its turn again, and what happens until then happens in between.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bridge.consumer.kafka_source import COMMIT_INTERVAL_SECONDS
from tests.simulation import everyday
from tests.simulation.choice import Action, pick, rotated
from tests.simulation.fibers import Fate, Fiber, Process
from tests.simulation.world import World

ROUND: Final = 80
"""Waits of the longest round."""

TRIED: Final = 2
"""Fibers that are led on until one waits as it should."""

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "bridge": ("decide", "send", "send", "offsets", "accept", "bury", "waiting", "answer to send"),
    "relay": ("publish", "commit", "delete", "first rows", "sweep"),
    "worker": ("claim", "save", "retry", "fail", "chain"),
    "web": ("accept", "make user", "erase", "discard", "replay", "resend", "resend", "request"),
}
"""Waits that a fault seeks out; every second one takes the first that it finds."""


def meets(kind: str, fate: Fate) -> Action:
    """Something becomes of what one waits for; with GO it is only led up to it, and left there."""

    def is_wanted(world: World, fiber: Fiber) -> bool:
        return bool(fiber.means.fates) if fate is Fate.GO else world.may(fiber, fate)

    def action(world: World, n: int) -> bool:
        place = PLACES[kind][(n >> 1) % len(PLACES[kind])] if n % 2 else ""
        fiber = reached(world, kind, lambda one: is_wanted(world, one) and one.waits_for.startswith(place), n >> 5)
        if fiber is not None and fate is not Fate.GO:
            world.go(fiber, fate)
            world.replace_dead()
        return fiber is not None

    return action


def reached(world: World, kind: str, is_wanted: Callable[[Fiber], bool], n: int) -> Fiber | None:
    """One of this kind that waits so: it does already, or it is let go on until it does, for a round at most."""
    _prepared(world, kind)
    ready = world.ready(world.of(kind))
    there = pick([fiber for fiber in ready if is_wanted(fiber)], n)
    if there is not None:
        return there
    return next((fiber for fiber in rotated(ready, n)[:TRIED] if _led(world, fiber, is_wanted)), None)


def _led(world: World, fiber: Fiber, is_wanted: Callable[[Fiber], bool]) -> bool:
    begins = fiber.waits_for == "start"
    for _ in range(ROUND):
        if fiber.dead or fiber.wake > world.clock.now:
            return False
        world.go(fiber)
        if fiber.dead:
            world.replace_dead()
        elif is_wanted(fiber):
            return True
        elif fiber.waits_for == "poll" and not begins:
            return False
        begins = False
    return False


def step(world: World, n: int) -> bool:
    """A worker goes on by some waits, but gets no answer of an agent."""
    fiber = pick([one for one in world.ready(world.workers) if one.waits_for != "agent"], n)
    if fiber is None:
        return False
    for _ in range(1 + (n >> 8) % everyday.BURST):
        world.go(fiber)
        if fiber.dead or fiber.wake > world.clock.now or fiber.waits_for == "agent":
            break
    return True


def agent(fate: Fate) -> Action:
    """An agent fails."""

    def action(world: World, n: int) -> bool:
        fiber = pick([one for one in world.ready(world.workers) if world.may(one, fate)], n)
        if fiber is not None:
            world.go(fiber, fate)
        return fiber is not None

    return action


def one_wait(kind: str) -> Action:
    """One of this kind goes on to its next wait only."""

    def action(world: World, n: int) -> bool:
        _wake(world, kind)
        fiber = pick(world.ready(world.of(kind)), n)
        if fiber is not None:
            world.go(fiber)
            world.replace_dead()
        return fiber is not None

    return action


def renewal(fate: Fate) -> Action:
    """A worker's renewal falls due; with GO it is left on its way to PostgreSQL."""

    def action(world: World, n: int) -> bool:
        renewals = [one.renewal for one in world.workers if one.renewal is not None and one.busy and not one.stopped]
        fiber = pick(renewals, n)
        for _ in range(2 if fiber is not None else 0):
            assert fiber is not None
            world.advance(max(0.0, fiber.wake - world.clock.now), but=fiber)
            if fiber.waits_for != "renew":
                world.go(fiber)
        if fiber is None or fiber.waits_for != "renew" or (fate is not Fate.GO and not world.may(fiber, fate)):
            return False
        if fate in {Fate.AWAY, Fate.DELAYED}:
            world.promise.unheard(fiber.process)
        if fate is not Fate.GO:
            world.go(fiber, fate)
        return True

    return action


def arrives(world: World, n: int) -> bool:
    """A statement or a commit that was under way for long gets there."""
    return world.arrive(n)


def killed(kind: str) -> Action:
    return _done_to(kind, World.kill)


def stopped(kind: str) -> Action:
    return _done_to(kind, World.stop)


def _done_to(kind: str, act: Callable[[World, Process], None]) -> Action:
    """To one where it stands, or in the middle of what it does."""

    def action(world: World, n: int) -> bool:
        process = pick([one for one in world.of(kind) if not one.stopped], n >> 5)
        if n % 4:
            places = PLACES[kind]
            place = places[(n >> 2) % len(places)]
            fiber = reached(world, kind, lambda one: place in one.waits_for, n >> 5)
            process = fiber.process if fiber is not None else None
        if process is not None:
            act(world, process)
        return process is not None

    return action


def _prepared(world: World, kind: str) -> None:
    """A relay sleeps for moments only; a bridge is rung by what was written, and commits once a second."""
    if kind == "bridge":
        everyday.rung(world)
        world.advance(COMMIT_INTERVAL_SECONDS, attends=False)
    _wake(world, kind)


def _wake(world: World, kind: str) -> None:
    for relay in world.relays if kind == "relay" else ():
        relay.wake()
