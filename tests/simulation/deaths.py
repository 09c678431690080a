"""Processes are killed, and stopped and resumed."""

from collections.abc import Sequence

from tests.simulation.choice import Action, pick
from tests.simulation.fibers import Process
from tests.simulation.world import World


def killed(kind: str) -> Action:
    def action(world: World, n: int) -> bool:
        process = pick(_processes(world, kind), n)
        if process:
            process.kill()
            world.replace_dead()
        return bool(process)

    return action


def stopped(kind: str) -> Action:
    def action(world: World, n: int) -> bool:
        process = pick([one for one in _processes(world, kind) if not one.stopped], n)
        if process:
            process.stopped = True
        return bool(process)

    return action


def resume(world: World, n: int) -> bool:
    """Who was stopped goes on, and knows nothing of what happened meanwhile."""
    every = [*world.workers, *world.bridges, *world.relays, *world.webs]
    process = pick([one for one in every if one.stopped], n)
    if process:
        process.stopped, process.awake_since = False, world.clock.now
    return bool(process)


def kill_in_call(world: World, n: int) -> bool:
    """The worker of a call in progress dies: the gap between claim and save."""
    worker = pick([one for one in world.workers if any(fiber.waits_for == "agent" for fiber in one.fibers)], n)
    if worker:
        worker.kill()
        world.replace_dead()
    return bool(worker)


def stop_before_call(world: World, n: int) -> bool:
    """The worker is stopped with the answer to its claim under way."""
    waiting = ("statement", "answer")
    worker = pick([one for one in world.workers if any(fiber.waits_for in waiting for fiber in one.fibers)], n)
    if worker:
        worker.stopped = True
    return bool(worker)


def _processes(world: World, kind: str) -> Sequence[Process]:
    found: dict[str, Sequence[Process]] = {
        "worker": world.workers,
        "bridge": world.bridges,
        "relay": world.relays,
        "web": world.webs,
    }
    return found[kind]
