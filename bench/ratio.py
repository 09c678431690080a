"""How close the whole path comes to Celery alone: five-step chains a second, all sides in turn in one run.

All sides run on the same machine and the same Redis, with one worker of the same pool, size and events. Celery alone is
measured twice: as it comes, and with this project's transport and consumer, which make it faster.

All are measured in the same way. The round's work is queued beforehand, out of sight: as rows of a transaction that is
not committed yet, and as messages in a queue that nobody reads. The clock starts when it is shown, by the commit or by
renaming the queue, and ends when the last chain has. So neither the POSTs nor `chain.apply_async` are in the time, and
relay, Kafka and bridge are. One round of each goes unmeasured: pools, connections and caches are warm.

The processor time of the same span is split by process. While Celery alone works, the rest of the stack is at rest but
for its polling; what that takes is printed too, since it slows the other sides a little.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.catalogue import CATALOGUE
from bench.figures import Split, print_machine, print_split, spread
from bench.processor import processor_seconds, spent
from bench.sides import CeleryAlone, Side, WholePath, bare_worker
from bench.stack import RunningStack
from bench.waiting import until
from contracts.settings import load_settings


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be worked: thoughts of so many users, in so many measured rounds of each side."""

    thoughts: int
    users: int
    delay_ms: int
    concurrency: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Round:
    """One side's round. `milliseconds`: processor time a chain; `others`: cores that the rest of the stack took."""

    rate: float
    milliseconds: Split
    others: float


def compare(stack: RunningStack, load: Load) -> None:
    """Run the sides in turn; print every round, the ratios with their spread, and where the processor time went."""
    settings = load_settings()
    print(f"{load.thoughts} chains of {CATALOGUE.total} steps, {load.users} users, {load.delay_ms} ms a step")
    print_machine()
    with bare_worker("plain", load.concurrency) as plain, bare_worker("tuned", load.concurrency) as tuned:
        sides: list[Side] = [
            CeleryAlone("Celery as it comes", "plain", settings, stack, plain),
            CeleryAlone("Celery tuned", "tuned", settings, stack, tuned),
            WholePath(settings, stack, load.users),
        ]
        rounds = [_in_turn(number, sides, stack, load.thoughts) for number in range(load.rounds + 1)][1:]
    _report([side.name for side in sides], [list(measured) for measured in zip(*rounds, strict=True)])


def _in_turn(number: int, sides: Sequence[Side], stack: RunningStack, chains: int) -> list[Round]:
    measured = [_round(side, stack, chains) for side in sides]
    said = "   ".join(f"{side.name} {each.rate:6.1f}/s" for side, each in zip(sides, measured, strict=True))
    print(f"round {number}: {said}" if number else f"warm-up: {said}", flush=True)
    return measured


def _round(side: Side, stack: RunningStack, chains: int) -> Round:
    side.hold(chains)
    own, all_of_stack = processor_seconds(side.processes), processor_seconds(stack.processes)
    began = time.monotonic()
    side.release()
    until(lambda: side.ended() == chains)
    seconds = time.monotonic() - began
    own_spent = spent(own, processor_seconds(side.processes), 1000 / chains)
    rest = spent(all_of_stack, processor_seconds(stack.processes), 1 / seconds)
    return Round(chains / seconds, own_spent, sum(cores for name, cores in rest.items() if name not in own_spent))


def _report(names: Sequence[str], measured: Sequence[Sequence[Round]]) -> None:
    *alone, whole = measured
    for name, rounds in zip(names, alone, strict=False):
        print(f"ratio to {name}: {_ratios(whole, rounds, lambda each: each.rate)}")
    for name, rounds in zip(names, alone, strict=False):
        print(f"ratio to {name} by processor time: {_ratios(rounds, whole, _total)}")
    for name, rounds in zip(names, measured, strict=True):
        print_split(f"{name}, processor time:", [each.milliseconds for each in rounds], "ms a chain")
    resting = [each.others for rounds in alone for each in rounds]
    print(f"the rest of the stack while Celery alone worked: {spread(resting)} cores")
    print_machine()


def _ratios(upper: Sequence[Round], lower: Sequence[Round], figure: Callable[[Round], float]) -> str:
    return spread([figure(one) / figure(other) for one, other in zip(upper, lower, strict=True)])


def _total(measured: Round) -> float:
    return sum(measured.milliseconds.values())
