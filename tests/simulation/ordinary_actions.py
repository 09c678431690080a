"""Actions of every history: people submit thoughts, processes work, time passes, and unavailable stores come back."""

from typing import Final
from uuid import UUID

from tests.simulation.choice import pick, rotated
from tests.simulation.world import USERS, World

MAX_THOUGHTS: Final = 7
MAX_BURST: Final = 4
"""How many waits a process may go through before another one runs."""


def submit(world: World, n: int) -> bool:
    if len(world.submitted) >= MAX_THOUGHTS:
        return False
    user, thought = USERS[n % len(USERS)], UUID(int=100 + len(world.submitted))
    world.submitted.append((user, thought))
    world.submit(user, thought)
    return True


def submit_as_first_user(world: World, n: int) -> bool:
    """Submit another thought of the same user, so that a line grows."""
    return submit(world, 0)


def resubmit(world: World, n: int) -> bool:
    """Repeat a request, as a browser does that saw no answer."""
    submitted = pick(world.submitted, n)
    if submitted:
        world.submit(*submitted)
    return bool(submitted)


def finish_request(world: World, n: int) -> bool:
    fiber = pick(world.ready_fibers(world.clients), n)
    if fiber is not None:
        world.run_to_end(fiber)
    return fiber is not None


def run_all(world: World, n: int) -> bool:
    """Do the next part of a thought's path in every process that is not suspended."""
    finish_requests_and_relay(world, n)
    world.pass_time(0.05)
    for bridge in [bridge for bridge in world.bridges if not bridge.is_suspended]:
        world.run_bridge(bridge)
    return sum(world.deliver(worker, n >> 4) for worker in world.workers) > 0


def finish_requests_and_relay(world: World, n: int = 0) -> bool:
    """Finish all requests, and let a relay publish their records."""
    for fiber in world.ready_fibers(world.clients):
        world.run_to_end(fiber)
    return run_relay(world, n)


def run_worker(world: World, n: int) -> bool:
    fiber = pick(world.ready_fibers(world.workers), n)
    if fiber is None:
        return False
    for _ in range(1 + (n >> 8) % MAX_BURST):
        world.advance(fiber)
        if fiber.dead or fiber.wake_at > world.clock.now:
            break
    return True


def deliver_message(world: World, n: int) -> bool:
    return any(world.deliver(worker, n >> 4) for worker in rotated(world.workers, n))


def run_bridge(world: World, n: int) -> bool:
    bridge = pick([bridge for bridge in world.bridges if not bridge.is_suspended], n)
    if bridge:
        world.run_bridge(bridge)
    return bool(bridge)


def run_relay(world: World, n: int) -> bool:
    relay = pick([relay for relay in world.relays if not relay.is_suspended], n)
    if relay:
        world.run_relay(relay, wake_early=True)
    return bool(relay)


def short_pause(world: World, n: int) -> bool:
    world.pass_time((0.05, 0.1, 0.3, 1.0)[n % 4])
    return True


def medium_pause(world: World, n: int) -> bool:
    world.pass_time((2.0, 5.0, 12.0, 21.0)[n % 4])
    return True


def long_pause(world: World, n: int) -> bool:
    world.pass_time((25.0, 25.0, 45.0, 70.0)[n % 4])
    return True


def restore_stores(world: World, n: int) -> bool:
    """Make all stores available."""
    was_unavailable = (
        world.kafka.is_unavailable or world.redis.is_unavailable or world.postgres_server.unavailable_since is not None
    )
    world.kafka.is_unavailable = world.redis.is_unavailable = False
    world.set_postgres_unavailable(False)
    return was_unavailable
