"""Faults of processes: kills and suspensions at a worker's most sensitive moments, resumes, and graceful shutdowns."""

from tests.simulation.choice import pick
from tests.simulation.fibers import Process
from tests.simulation.world import World


def resume(world: World, n: int) -> bool:
    """Resume a suspended process, which does not know that it was suspended."""
    processes: list[Process] = [*world.workers, *world.bridges, *world.relays, *world.clients]
    process = pick([process for process in processes if process.is_suspended], n)
    if process:
        world.resume(process)
    return bool(process)


def kill_in_call(world: World, n: int) -> bool:
    """Kill the worker of a call in progress, or of a probe."""
    workers = [
        worker for worker in world.workers if any(fiber.waits_for in ("agent", "probe") for fiber in worker.fibers)
    ]
    worker = pick(workers, n)
    if worker:
        world.kill(worker)
    return bool(worker)


def suspend_before_call(world: World, n: int) -> bool:
    """Stop a worker whose claim, or the answer to it, is on the way."""
    waits = ("claim", "answer to claim")
    workers = [worker for worker in world.workers if any(fiber.waits_for in waits for fiber in worker.fibers)]
    worker = pick(workers, n)
    if worker:
        world.suspend(worker)
    return bool(worker)


def shut_down_bridge(world: World, n: int) -> bool:
    """Tell a bridge to stop: it finishes its round, and commits before it leaves the group."""
    bridge = pick([bridge for bridge in world.bridges if not bridge.is_suspended], n)
    if bridge:
        bridge.stop_event.set()
    return bool(bridge)


def shut_down_relay(world: World, n: int) -> bool:
    relay = pick([relay for relay in world.relays if not relay.is_suspended], n)
    if relay:
        relay.stop_event.set()
    return bool(relay)


def shut_down_worker(world: World, n: int) -> bool:
    """Tell a worker to stop: it takes no new messages, and exits after its last step."""
    worker = pick([worker for worker in world.workers if not worker.is_suspended], n)
    if worker:
        worker.drain()
        world.restart_dead()
    return bool(worker)
