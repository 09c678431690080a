"""Actions that end one wait of one process: done, late, lost on the way there or back, delayed or refused.

A process that is to meet a fault first runs until it waits where the fault is possible. The rest of its round is done
when an action advances it again; other actions may come in between.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bridge.consumer.committer import COMMIT_INTERVAL_SECONDS
from tests.simulation import ordinary_actions
from tests.simulation.choice import Action, pick, rotated
from tests.simulation.fibers import Fiber, Outcome, Process
from tests.simulation.world import World

MAX_ROUND_WAITS: Final = 80
"""Waits of the longest round."""

MAX_FIBERS_TRIED: Final = 2
"""Fibers that are advanced to find one that waits as required."""

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "bridge": (
        "decide",
        "send",
        "send",
        "commit offsets",
        "accept",
        "insert dead letter",
        "waiting users",
        "answer to send",
    ),
    "relay": ("publish", "commit", "delete", "next batch", "sweep"),
    "worker": ("claim", "save", "retry", "defer", "fail", "send next step"),
    "web": (
        "accept",
        "insert user",
        "erase late results",
        "discard",
        "replay",
        "resend",
        "resend",
        "request",
    ),
}
"""The waits that faults look for. An odd number names one of them; an even one takes the first wait that fits."""


def fault_at_wait(kind: str, outcome: Outcome) -> Action:
    """Return an action that gives a process's wait this outcome. With DONE the process is only advanced to the wait."""

    def fits(world: World, fiber: Fiber) -> bool:
        return bool(fiber.possible.outcomes) if outcome is Outcome.DONE else world.is_possible(fiber, outcome)

    def action(world: World, n: int) -> bool:
        place = PLACES[kind][(n >> 1) % len(PLACES[kind])] if n % 2 else ""
        fiber = advanced_to(world, kind, lambda fiber: fits(world, fiber) and fiber.waits_for.startswith(place), n >> 5)
        if fiber is not None and outcome is not Outcome.DONE:
            world.advance(fiber, outcome)
            world.restart_dead()
        return fiber is not None

    return action


def advanced_to(world: World, kind: str, is_wanted: Callable[[Fiber], bool], n: int) -> Fiber | None:
    """Return a fiber of this kind that waits as required, after advancing one for at most a round."""
    _prepare(world, kind)
    ready = world.ready_fibers(world.processes(kind))
    waiting = pick([fiber for fiber in ready if is_wanted(fiber)], n)
    if waiting is not None:
        return waiting
    candidates = rotated(ready, n)[:MAX_FIBERS_TRIED]
    return next((fiber for fiber in candidates if _advance_until(world, fiber, is_wanted)), None)


def _advance_until(world: World, fiber: Fiber, is_wanted: Callable[[Fiber], bool]) -> bool:
    is_starting = fiber.waits_for == "start"
    for _ in range(MAX_ROUND_WAITS):
        if fiber.dead or fiber.wake_at > world.clock.now:
            return False
        world.advance(fiber)
        if fiber.dead:
            world.restart_dead()
        elif is_wanted(fiber):
            return True
        elif fiber.waits_for == "poll" and not is_starting:
            return False
        is_starting = False
    return False


def run_worker_until_call(world: World, n: int) -> bool:
    """Advance a worker by some waits, but not past a call of an agent."""
    fibers = [fiber for fiber in world.ready_fibers(world.workers) if fiber.waits_for != "agent"]
    fiber = pick(fibers, n)
    if fiber is None:
        return False
    for _ in range(1 + (n >> 8) % ordinary_actions.MAX_BURST):
        world.advance(fiber)
        if fiber.dead or fiber.wake_at > world.clock.now or fiber.waits_for == "agent":
            break
    return True


def agent_failure(outcome: Outcome) -> Action:
    """Return an action that makes a call of an agent fail."""

    def action(world: World, n: int) -> bool:
        fibers = [fiber for fiber in world.ready_fibers(world.workers) if world.is_possible(fiber, outcome)]
        fiber = pick(fibers, n)
        if fiber is not None:
            world.advance(fiber, outcome)
        return fiber is not None

    return action


def one_wait(kind: str) -> Action:
    """Return an action that advances a process of this kind by one wait."""

    def action(world: World, n: int) -> bool:
        _wake_relays(world, kind)
        fiber = pick(world.ready_fibers(world.processes(kind)), n)
        if fiber is not None:
            world.advance(fiber)
            world.restart_dead()
        return fiber is not None

    return action


def renewal(outcome: Outcome) -> Action:
    """Return an action that lets time pass to a worker's next renewal. With DONE the renewal stays on its way."""

    def action(world: World, n: int) -> bool:
        renewals = [
            worker.renewal
            for worker in world.workers
            if worker.renewal is not None and worker.busy_slots and not worker.is_suspended
        ]
        fiber = pick(renewals, n)
        for _ in range(2 if fiber is not None else 0):
            assert fiber is not None
            world.pass_time(max(0.0, fiber.wake_at - world.clock.now), except_renewal=fiber)
            if fiber.waits_for != "renew":
                world.advance(fiber)
        if fiber is None or fiber.waits_for != "renew":
            return False
        if outcome is not Outcome.DONE and not world.is_possible(fiber, outcome):
            return False
        if outcome in {Outcome.UNREACHABLE, Outcome.DELAYED}:
            world.checks.renewal_failed(fiber.process)
        if outcome is not Outcome.DONE:
            world.advance(fiber, outcome)
        return True

    return action


def deliver_delayed(world: World, n: int) -> bool:
    """Let a delayed statement or commit arrive."""
    return world.deliver_delayed(n)


def kill(kind: str) -> Action:
    """Return an action that kills a process of this kind."""
    return _process_fault(kind, World.kill)


def suspend(kind: str) -> Action:
    """Return an action that suspends a process of this kind."""
    return _process_fault(kind, World.suspend)


def _process_fault(kind: str, apply: Callable[[World, Process], None]) -> Action:
    """Return an action that applies a fault to a process at its present wait, or in the middle of its round."""

    def action(world: World, n: int) -> bool:
        process = pick([process for process in world.processes(kind) if not process.is_suspended], n >> 5)
        if n % 4:
            places = PLACES[kind]
            place = places[(n >> 2) % len(places)]
            fiber = advanced_to(world, kind, lambda fiber: place in fiber.waits_for, n >> 5)
            process = fiber.process if fiber is not None else None
        if process is not None:
            apply(world, process)
        return process is not None

    return action


def _prepare(world: World, kind: str) -> None:
    """Give processes of this kind work: a bridge has new records and commits once a second, a relay's sleep ends."""
    if kind == "bridge":
        ordinary_actions.finish_requests_and_relay(world)
        world.pass_time(COMMIT_INTERVAL_SECONDS, run_bridges=False)
    _wake_relays(world, kind)


def _wake_relays(world: World, kind: str) -> None:
    for relay in world.relays if kind == "relay" else ():
        relay.wake_early()
