"""How fast the bridge sends chains: `Dispatcher.send` of one process beside `chain.apply_async`, in turn in one run.

Both publish five-step chains through kombu to the same Redis, into queues that nobody reads and that are emptied before
every round. Both are warm. Processor time is that of this process alone, without the Redis server's.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import redis
from celery import Celery, Task, chain

from agents.catalogue import CATALOGUE
from bench.figures import print_machine, spread
from bridge.consumer.dispatch import BATCH_SIZE, Dispatcher
from bridge.consumer.protocol import Head
from contracts.queues import broker_settings, task_name
from contracts.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rate:
    """Chains a second, of the clock and of the processor."""

    wall: float
    processor: float


def compare(settings: Settings, batches: int, chains: int, rounds: int) -> None:
    """Send `batches` full batches and `chains` single chains a round; print the rates and ratios with their spread."""
    client = redis.Redis.from_url(settings.broker_url)
    dispatcher, steps = Dispatcher(settings), _plain_steps(settings)

    def ours() -> Rate:
        client.flushdb()
        heads = [[_head() for _ in range(BATCH_SIZE)] for _ in range(batches)]
        return _timed(dispatcher.send, heads, batches * BATCH_SIZE)

    def celerys() -> Rate:
        client.flushdb()
        ids = [str(uuid4()) for _ in range(chains)]
        return _timed(lambda thought: _apply_async(steps, thought), ids, chains)

    print(
        f"{batches * BATCH_SIZE} chains of {CATALOGUE.total} steps by the bridge and {chains} by chain.apply_async "
        "in each round"
    )
    print_machine()
    pairs = [_pair(number, ours, celerys) for number in range(rounds + 1)][1:]
    client.flushdb()
    print(f"ratio by the clock:     {spread([first.wall / second.wall for first, second in pairs], '.1f')}")
    print(f"ratio by the processor: {spread([first.processor / second.processor for first, second in pairs], '.1f')}")
    print_machine()


def _pair(number: int, ours: Callable[[], Rate], celerys: Callable[[], Rate]) -> tuple[Rate, Rate]:
    first, second = ours(), celerys()
    said = f"bridge {first.wall:7.0f}/s ({first.processor:7.0f} a processor second)   "
    said += f"chain.apply_async {second.wall:6.0f}/s ({second.processor:6.0f} a processor second)"
    print(f"round {number}: {said}" if number else f"warm-up: {said}", flush=True)
    return first, second


def _timed(send: Callable[[T], None], items: Sequence[T], chains: int) -> Rate:
    wall, processor = time.perf_counter(), time.process_time()
    for item in items:
        send(item)
    return Rate(chains / (time.perf_counter() - wall), chains / (time.process_time() - processor))


def _plain_steps(settings: Settings) -> list[Task]:
    app = Celery("plain")
    app.conf.update(broker_settings(settings.broker_url))

    def nothing(thought_id: str, token: int) -> None:
        """A task that is sent and never run."""

    return [app.task(nothing, name=task_name(name), shared=False) for name in CATALOGUE.names]


def _apply_async(steps: list[Task], thought_id: str) -> None:
    chain(*(step.si(thought_id, 1) for step in steps)).apply_async()


def _head() -> Head:
    """A thought that has just been taken from the head of its author's line."""
    return Head(
        thought_id=uuid4(),
        user_id=uuid4(),
        turn=1,
        steps_done=0,
        dispatch_id=1,
        beat=1,
        sends=1,
        losses=0,
        in_call=False,
        wait=0.0,
        dispatched=True,
        begins=True,
    )
