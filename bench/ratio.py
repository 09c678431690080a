"""Compares the throughput of the whole path with Celery alone, in five-step chains per second.

All sides run in turn, on the same machine and the same Redis, with one worker of the same pool, size and events. Celery
alone is measured twice: without changes, and with this project's transport and consumer, which make it faster.

All sides are measured in the same way. The work of a round is prepared where no process sees it: as rows of a
transaction that is not committed, or as messages in a queue that no worker consumes. The clock starts when the
transaction is committed or the queue is renamed, and stops when the last chain has ended. The time therefore includes
relay, Kafka and bridge, but neither the POSTs nor `chain.apply_async`. One round of each side is not measured, because
it warms up pools, connections and caches.

The CPU time of the same period is printed by process. While Celery alone works, the rest of the stack only polls; the
CPU time of this polling is printed too, because it slows Celery a little.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.catalogue import CATALOGUE
from bench.figures import Split, print_machine, print_split, spread
from bench.processor import cpu_seconds, cpu_spent
from bench.sides import CeleryAlone, Side, WholePath, bare_worker
from bench.stack import RunningStack
from bench.waiting import wait_until
from contracts.settings import load_settings


@dataclass(frozen=True, slots=True)
class Load:
    """The work of the benchmark: `thoughts` of `users` per round, and the measured rounds of each side."""

    thoughts: int
    users: int
    delay_ms: int
    concurrency: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Round:
    """The result of one round of one side."""

    rate: float
    """Chains per second."""
    cpu_milliseconds: Split
    """CPU time per chain, by process."""
    other_cores: float
    """Cores that the rest of the stack used."""


def compare(stack: RunningStack, load: Load) -> None:
    """Run the sides in turn; print every round, the ratios with their spread, and the CPU time by process."""
    settings = load_settings()
    print(f"{load.thoughts} chains of {CATALOGUE.total} steps, {load.users} users, {load.delay_ms} ms per step")
    print_machine()
    with bare_worker("plain", load.concurrency) as plain, bare_worker("tuned", load.concurrency) as tuned:
        sides: list[Side] = [
            CeleryAlone("plain Celery", "plain", settings, stack, plain),
            CeleryAlone("tuned Celery", "tuned", settings, stack, tuned),
            WholePath(settings, stack, load.users),
        ]
        rounds = [_run_sides(number, sides, stack, load.thoughts) for number in range(load.rounds + 1)][1:]
    _report([side.name for side in sides], [list(results) for results in zip(*rounds, strict=True)])


def _run_sides(number: int, sides: Sequence[Side], stack: RunningStack, chains: int) -> list[Round]:
    results = [_run_round(side, stack, chains) for side in sides]
    line = "   ".join(f"{side.name} {result.rate:6.1f}/s" for side, result in zip(sides, results, strict=True))
    print(f"round {number}: {line}" if number else f"warm-up: {line}", flush=True)
    return results


def _run_round(side: Side, stack: RunningStack, chains: int) -> Round:
    side.hold(chains)
    side_before, stack_before = cpu_seconds(side.processes), cpu_seconds(stack.processes)
    started_at = time.monotonic()
    side.release()
    wait_until(lambda: side.ended() == chains)
    seconds = time.monotonic() - started_at
    cpu_milliseconds = cpu_spent(side_before, cpu_seconds(side.processes), 1000 / chains)
    stack_cores = cpu_spent(stack_before, cpu_seconds(stack.processes), 1 / seconds)
    other_cores = sum(cores for name, cores in stack_cores.items() if name not in cpu_milliseconds)
    return Round(chains / seconds, cpu_milliseconds, other_cores)


def _report(names: Sequence[str], results: Sequence[Sequence[Round]]) -> None:
    *celery_sides, whole_path = results
    for name, rounds in zip(names, celery_sides, strict=False):
        print(f"ratio to {name}: {_ratios(whole_path, rounds, lambda result: result.rate)}")
    for name, rounds in zip(names, celery_sides, strict=False):
        print(f"ratio to {name} by CPU time: {_ratios(rounds, whole_path, _total_cpu)}")
    for name, rounds in zip(names, results, strict=True):
        print_split(f"{name}, CPU time:", [result.cpu_milliseconds for result in rounds], "ms per chain")
    idle_cores = [result.other_cores for rounds in celery_sides for result in rounds]
    print(f"the rest of the stack while Celery alone worked: {spread(idle_cores)} cores")
    print_machine()


def _ratios(numerators: Sequence[Round], denominators: Sequence[Round], figure: Callable[[Round], float]) -> str:
    pairs = zip(numerators, denominators, strict=True)
    return spread([figure(numerator) / figure(denominator) for numerator, denominator in pairs])


def _total_cpu(result: Round) -> float:
    return sum(result.cpu_milliseconds.values())
