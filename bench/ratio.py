"""How close the whole path comes to Celery alone: five-step chains a second, both sides in turn in one run.

Both sides run on the same machine and the same Redis, with one worker of the same pool, size, transport and events.
Both are measured in the same way. The round's work is queued beforehand, out of sight: as rows of a transaction that is
not committed yet, and as messages in a queue that nobody reads. The clock starts when it is shown, by the commit or by
renaming the queue, and ends when the last chain has. So neither the POSTs nor `chain.apply_async` are in the time, and
relay, Kafka and bridge are. One round of each goes unmeasured: pools, connections and caches are warm.

The processor time of the same span is split by process. While Celery alone works, the rest of the stack is at rest but
for its polling; what that takes is printed too, since it slows the other side a little.
"""

import time
from dataclasses import dataclass

from bench.figures import Split, print_machine, print_split, spread
from bench.processor import processor_seconds, spent
from bench.sides import CeleryAlone, Side, WholePath, bare_worker
from bench.stack import RunningStack
from bench.waiting import until
from contracts.queues import TOTAL_STEPS
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
    """Run both sides in turn; print every round, the ratio with its spread, and where the processor time went."""
    settings = load_settings()
    print(f"{load.thoughts} chains of {TOTAL_STEPS} steps, {load.users} users, {load.delay_ms} ms a step")
    print_machine()
    with bare_worker(load.concurrency) as worker:
        alone, whole = CeleryAlone(settings, stack, worker), WholePath(settings, stack, load.users)
        pairs = [_pair(number, alone, whole, stack, load) for number in range(load.rounds + 1)][1:]
    _report([first for first, _ in pairs], [second for _, second in pairs])


def _pair(number: int, alone: Side, whole: Side, stack: RunningStack, load: Load) -> tuple[Round, Round]:
    first, second = _round(alone, stack, load.thoughts), _round(whole, stack, load.thoughts)
    said = f"{alone.name} {first.rate:6.1f}/s   {whole.name} {second.rate:6.1f}/s   {second.rate / first.rate:.2f}"
    print(f"round {number}: {said}" if number else f"warm-up: {said}", flush=True)
    return first, second


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


def _report(alone: list[Round], whole: list[Round]) -> None:
    print(f"ratio: {spread([second.rate / first.rate for first, second in zip(alone, whole, strict=True)])}")
    costs = [_total(first) / _total(second) for first, second in zip(alone, whole, strict=True)]
    print(f"the same by processor time: {spread(costs)}")
    print_split("Celery alone, processor time:", [each.milliseconds for each in alone], "ms a chain")
    print_split("the whole path, processor time:", [each.milliseconds for each in whole], "ms a thought")
    print(f"the rest of the stack while Celery alone worked: {spread([each.others for each in alone])} cores")
    print_machine()


def _total(measured: Round) -> float:
    return sum(measured.milliseconds.values())
