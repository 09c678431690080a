"""The end of a history, in which nothing more goes wrong: then everything must be over, and it must have been right."""

from collections.abc import Callable
from typing import Final

from tests.simulation.actors import KAFKA
from tests.simulation.people import batch_asked
from tests.simulation.sentences import Sentence
from tests.simulation.world import World

LONGEST_HOP: Final = 900.0
QUIET_ROUNDS: Final = 50
"""Rounds in which nothing changes, some ten hours: longer than the longest pause of a sweep."""

ROUNDS: Final = 800
"""Rounds without faults after which what is not over never will be."""


def settle(world: World) -> None:
    """No more faults: everything ends, also what comes back from a long stop after that."""
    _calm(world)
    if not world.settings.consumes_kafka:
        _settle_batches(world)
        world.switch(KAFKA)
        _stand_by(world)
    _work_off(world, _is_over)
    if not _is_over(world):
        world.promise.broken(Sentence.ENDS, "it does not end while those who were stopped are not resumed")
    if stopped := [one for one in [*world.bridges, *world.relays, *world.workers] if one.stopped]:
        for process in stopped:
            process.stopped = False
        _work_off(world, _is_over)
    world.promise.ended(world.postgres.tables.thoughts)
    world.promise.letters(world.postgres.tables.letters, world.kafka.dead)
    if not _is_over(world):
        world.promise.broken(Sentence.ENDS, "the log is not committed, or the outbox not empty, for ever")


def _settle_batches(world: World) -> None:
    """In batch mode what was asked for ends, and one more request is enough for all the rest; then Kafka comes back."""
    thoughts = world.postgres.tables.thoughts
    _work_off(world, _is_batch_over)
    world.promise.batched(thoughts)
    written = max((one.created_at for one in thoughts.values() if one.is_open), default=0.0)
    world.clock.now += max(0.0, written - world.clock.wall())  # a clock that was set back lets them wait for long
    batch_asked(world, 0)
    _work_off(world, _is_batch_over)
    if not _is_batch_over(world):
        world.promise.broken(Sentence.BATCHES, "one request for a batch is not enough, or it does not end")


def _calm(world: World) -> None:
    """The servers are back, and what was under way has arrived."""
    world.postgres_is_away(False)
    world.kafka.away = world.redis.away = False
    world.postgres.locked.clear()
    world.postgres.delayed_ids.clear()
    _stand_by(world)
    while world.arrive(0) or world.arrive(1):
        pass


def _stand_by(world: World) -> None:
    """Beside every process that is stopped there is one that is not."""
    if all(one.stopped or one.busy for one in world.workers):
        world.workers.append(world.new_worker())
    if all(one.stopped for one in world.relays):
        world.relays.append(world.new_relay())
    if all(one.stopped for one in world.bridges):
        world.bridges.append(world.new_bridge())
    world.is_calm = True
    world.share_partitions()


def _work_off(world: World, is_over: Callable[[World], bool]) -> None:
    hop, quiet, before = 0.0, 0, None
    for _ in range(ROUNDS):
        _round(world)
        if world.promise.breach or is_over(world) or quiet > QUIET_ROUNDS:
            return
        found = _state(world)
        hop, quiet = (0.5, 0) if found != before else (min(LONGEST_HOP, 4 * hop), quiet + 1)
        before = found
        _pass(world, hop)


def _pass(world: World, seconds: float) -> None:
    """Time passes, in steps only while calls are in progress that must be renewed."""
    if any(worker.busy for worker in world.workers):
        world.advance(seconds)
    else:
        world.clock.now += seconds


def _round(world: World) -> None:
    """Everybody does what is to be done now."""
    for fiber in world.ready(world.webs):
        world.go_until(fiber, "its end")
    for relay in list(world.relays):
        world.relay(relay)
    for bridge in list(world.bridges):
        world.turn(bridge)
    while sum(world.deliver(worker, 0) for worker in world.workers) or world.ready(world.workers):
        for fiber in world.ready(world.workers):
            world.go_until(fiber, "its end")
    world.replace_dead()


def _state(world: World) -> tuple[int, ...]:
    """Changes whenever something was done."""
    tables = world.postgres.tables
    return (
        sum(one.beat for one in tables.thoughts.values()),
        len(tables.outbox),
        len(world.redis.queue),
        sum(len(one.records) + (one.committed or (0, ""))[0] for one in world.kafka.partitions),
    )


def _is_batch_over(world: World) -> bool:
    """Kafka hears of everything later; where there is none, only dead letters may wait for it."""
    tables = world.postgres.tables
    waits = tables.outbox and world.settings.kafka_enabled
    is_open = any(one.is_open for one in tables.thoughts.values())
    return not (waits or is_open or any(one.ended_at is None for one in tables.batches))


def _is_over(world: World) -> bool:
    """A member that was stopped in its commit may commit less than the next one already did; that is no harm."""
    if world.postgres.tables.outbox or any(one.is_open for one in world.postgres.tables.thoughts.values()):
        return False
    return all(max(one.low, one.checked) == len(one.records) for one in world.kafka.partitions)
