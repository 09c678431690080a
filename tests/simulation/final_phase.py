"""The end of a history, without new faults: all work must end, and all invariants must hold."""

from collections.abc import Callable
from typing import Final

from tests.simulation.invariants import Invariant
from tests.simulation.operator_actions import request_batch
from tests.simulation.processes import KAFKA_MODE
from tests.simulation.world import World

MAX_PAUSE_SECONDS: Final = 900.0
MAX_QUIET_ROUNDS: Final = 50
"""Rounds without a change, some ten hours: longer than the longest pause between two emissions of the sweep."""

MAX_ROUNDS: Final = 800
"""Rounds after which work that is still open will never end."""


def finish(world: World) -> None:
    """Run until all work has ended, first while suspended processes stay suspended, then after resuming them."""
    _end_faults(world)
    if not world.settings.consumes_kafka:
        _finish_batches(world)
        world.switch_mode(KAFKA_MODE)
        _ensure_running(world)
    _run_rounds(world, _is_finished)
    if not _is_finished(world):
        world.checks.violate(Invariant.TERMINATION, "the work does not end while suspended processes are not resumed")
    if suspended := [process for process in [*world.bridges, *world.relays, *world.workers] if process.is_suspended]:
        for process in suspended:
            process.is_suspended = False
        _run_rounds(world, _is_finished)
    world.checks.check_end(world.postgres.tables.thoughts)
    world.checks.check_joined(world.postgres.tables.thoughts.values(), world.postgres.tables.account_of)
    world.checks.check_dead_letters(world.postgres.tables.dead_letters, world.kafka.dead_letter_ids)
    if not _is_finished(world):
        world.checks.violate(Invariant.TERMINATION, "the log stays uncommitted, or the outbox is never empty")


def _finish_batches(world: World) -> None:
    """In batch mode the requested batches end, and one more request is enough for all other thoughts."""
    thoughts = world.postgres.tables.thoughts
    _run_rounds(world, _are_batches_finished)
    world.checks.check_batches(thoughts)
    newest = max((t.created_at for t in thoughts.values() if t.is_open), default=0.0)
    # A clock that was set back makes thoughts of the past wait until it has caught up.
    world.clock.now += max(0.0, newest - world.clock.postgres_time())
    request_batch(world, 0)
    _run_rounds(world, _are_batches_finished)
    if not _are_batches_finished(world):
        world.checks.violate(Invariant.BATCHES, "one request for a batch is not enough, or its batch does not end")


def _end_faults(world: World) -> None:
    """Make all servers available, and deliver all delayed requests."""
    world.set_postgres_unavailable(False)
    world.kafka.is_unavailable = world.redis.is_unavailable = world.servers.is_model_down = False
    world.checks.model_down_since = None
    world.postgres.locked.clear()
    world.postgres.swapped_ids.clear()
    _ensure_running(world)
    while world.deliver_delayed(0) or world.deliver_delayed(1):
        pass


def _ensure_running(world: World) -> None:
    """Start a process of each kind of which all are suspended, and give it the partitions of the suspended ones."""
    if all(worker.is_suspended or worker.busy_slots for worker in world.workers):
        world.workers.append(world.new_worker())
    if all(relay.is_suspended for relay in world.relays):
        world.relays.append(world.new_relay())
    if all(bridge.is_suspended for bridge in world.bridges):
        world.bridges.append(world.new_bridge())
    world.is_final_phase = True
    world.assign_partitions()


def _run_rounds(world: World, is_finished: Callable[[World], bool]) -> None:
    pause, quiet_rounds, state_before = 0.0, 0, None
    for _ in range(MAX_ROUNDS):
        _run_round(world)
        if world.checks.violation or is_finished(world) or quiet_rounds > MAX_QUIET_ROUNDS:
            return
        state = _state(world)
        pause, quiet_rounds = (
            (0.5, 0) if state != state_before else (min(MAX_PAUSE_SECONDS, 4 * pause), quiet_rounds + 1)
        )
        state_before = state
        _pause(world, pause)


def _pause(world: World, seconds: float) -> None:
    """Let time pass, with renewals only while calls are in progress that need them."""
    if any(worker.busy_slots for worker in world.workers):
        world.pass_time(seconds)
    else:
        world.clock.now += seconds


def _run_round(world: World) -> None:
    """Let every process do the work that is due."""
    for fiber in world.ready_fibers(world.clients):
        world.run_to_end(fiber)
    for relay in list(world.relays):
        world.run_relay(relay)
    for bridge in list(world.bridges):
        world.run_bridge(bridge)
    while sum(world.deliver(worker, 0) for worker in world.workers) or world.ready_fibers(world.workers):
        for fiber in world.ready_fibers(world.workers):
            world.run_to_end(fiber)
    world.restart_dead()


def _state(world: World) -> tuple[int, ...]:
    """Return numbers of which one changes with every piece of work."""
    tables = world.postgres.tables
    return (
        sum(t.beat for t in tables.thoughts.values()),
        len(tables.outbox),
        len(world.redis.queue),
        sum(len(partition.records) + (partition.committed or (0, ""))[0] for partition in world.kafka.partitions),
    )


def _are_batches_finished(world: World) -> bool:
    """Return whether batch mode has nothing left to do. Without Kafka, dead letters may stay in the outbox."""
    tables = world.postgres.tables
    has_pending_rows = tables.outbox and world.settings.kafka_enabled
    has_open_thoughts = any(t.is_open for t in tables.thoughts.values())
    return not (has_pending_rows or has_open_thoughts or any(batch.ended_at is None for batch in tables.batches))


def _is_finished(world: World) -> bool:
    """Return whether all thoughts are terminal, the outbox is empty and all records were committed once.

    A member that was suspended within its commit may later commit a lower offset than the next owner: harmless.
    """
    if world.postgres.tables.outbox or any(t.is_open for t in world.postgres.tables.thoughts.values()):
        return False
    return all(
        max(partition.low, partition.checked_below) == len(partition.records) for partition in world.kafka.partitions
    )
