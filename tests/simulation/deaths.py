"""Processes are killed at a worker's worst moments, and the stopped ones are resumed."""

from tests.simulation.choice import pick
from tests.simulation.fibers import Process
from tests.simulation.world import World


def resume(world: World, n: int) -> bool:
    """Who was stopped goes on, and knows nothing of what happened meanwhile."""
    every: list[Process] = [*world.workers, *world.bridges, *world.relays, *world.webs]
    process = pick([one for one in every if one.stopped], n)
    if process:
        world.resume(process)
    return bool(process)


def kill_in_call(world: World, n: int) -> bool:
    """The worker of a call in progress dies: the gap between claim and save."""
    worker = pick([one for one in world.workers if any(fiber.waits_for == "agent" for fiber in one.fibers)], n)
    if worker:
        world.kill(worker)
    return bool(worker)


def stop_before_call(world: World, n: int) -> bool:
    """The worker is stopped with its claim, or the answer to it, under way."""
    waiting = ("claim", "answer to claim")
    worker = pick([one for one in world.workers if any(fiber.waits_for in waiting for fiber in one.fibers)], n)
    if worker:
        world.stop(worker)
    return bool(worker)


def bridge_told_to_end(world: World, n: int) -> bool:
    """It ends when it has done its round, and commits what it knows before it leaves the group."""
    bridge = pick([one for one in world.bridges if not one.stopped], n)
    if bridge:
        bridge.stop.set()
    return bool(bridge)


def relay_told_to_end(world: World, n: int) -> bool:
    relay = pick([one for one in world.relays if not one.stopped], n)
    if relay:
        relay.stop.set()
    return bool(relay)


def worker_told_to_end(world: World, n: int) -> bool:
    """It takes nothing new, and ends with its last step."""
    worker = pick([one for one in world.workers if not one.stopped], n)
    if worker:
        worker.drain()
        world.replace_dead()
    return bool(worker)
