"""What always happens: people write, processes work, time passes, and somebody looks after the servers."""

from typing import Final
from uuid import UUID

from tests.simulation.choice import pick, rotated
from tests.simulation.world import USERS, World

THOUGHTS: Final = 7
BURST: Final = 4
"""A process that is let go on may go through up to so many waits before another one has its turn."""


def write(world: World, n: int) -> bool:
    if len(world.written) >= THOUGHTS:
        return False
    user, thought = USERS[n % len(USERS)], UUID(int=100 + len(world.written))
    world.written.append((user, thought))
    world.write(user, thought)
    return True


def write_mine(world: World, n: int) -> bool:
    """The same author again: a line grows."""
    return write(world, 0)


def write_again(world: World, n: int) -> bool:
    """A browser repeats a request whose answer it did not see."""
    found = pick(world.written, n)
    if found:
        world.write(*found)
    return bool(found)


def request(world: World, n: int) -> bool:
    fiber = pick(world.ready(world.webs), n)
    if fiber is not None:
        world.go_until(fiber, "its end")
    return fiber is not None


def onward(world: World, n: int) -> bool:
    """Everybody who is awake does what is next on the way of a thought, a moment after the other."""
    rung(world, n)
    world.advance(0.05)
    for bridge in [one for one in world.bridges if not one.stopped]:
        world.turn(bridge)
    return sum(world.deliver(worker, n >> 4) for worker in world.workers) > 0


def rung(world: World, n: int = 0) -> bool:
    """What was asked for is written, and a relay rings for it."""
    for fiber in world.ready(world.webs):
        world.go_until(fiber, "its end")
    return relay(world, n)


def work(world: World, n: int) -> bool:
    fiber = pick(world.ready(world.workers), n)
    if fiber is None:
        return False
    for _ in range(1 + (n >> 8) % BURST):
        world.go(fiber)
        if fiber.dead or fiber.wake > world.clock.now:
            break
    return True


def take(world: World, n: int) -> bool:
    return any(world.deliver(worker, n >> 4) for worker in rotated(world.workers, n))


def turn(world: World, n: int) -> bool:
    bridge = pick([one for one in world.bridges if not one.stopped], n)
    if bridge:
        world.turn(bridge)
    return bool(bridge)


def relay(world: World, n: int) -> bool:
    awake = [one for one in world.relays if not one.stopped]
    one = pick(awake, n)
    if one:
        world.relay(one, wakes=True)
    return bool(one)


def moment(world: World, n: int) -> bool:
    world.advance((0.05, 0.1, 0.3, 1.0)[n % 4])
    return True


def while_(world: World, n: int) -> bool:
    world.advance((2.0, 5.0, 12.0, 21.0)[n % 4])
    return True


def long_while(world: World, n: int) -> bool:
    world.advance((25.0, 25.0, 45.0, 70.0)[n % 4])
    return True


def mend(world: World, n: int) -> bool:
    """Somebody looks after the servers: what is away is back."""
    was_away = world.kafka.away or world.redis.away or world.server.away_since is not None
    world.kafka.away = world.redis.away = False
    world.postgres_is_away(False)
    return was_away
