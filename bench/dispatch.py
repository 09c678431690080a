"""Measures how fast the bridge sends chains: `Dispatcher.send` and `chain.apply_async` in turn, in one process.

Both publish five-step chains through kombu to the same Redis, into queues that no worker consumes and that are emptied
before every round. One round of each is not measured, as a warm-up. CPU time is that of this process alone, without the
Redis server's.
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
    """Chains per second of wall time, and per second of CPU time."""

    wall: float
    cpu: float


def compare(settings: Settings, batches: int, chains: int, rounds: int) -> None:
    """Send `batches` full batches and `chains` single chains per round; print rates and ratios with their spread."""
    client = redis.Redis.from_url(settings.broker_url)
    dispatcher, steps = Dispatcher(settings), _plain_steps(settings)

    def measure_bridge() -> Rate:
        client.flushdb()
        heads = [[_head() for _ in range(BATCH_SIZE)] for _ in range(batches)]
        return _timed(dispatcher.send, heads, batches * BATCH_SIZE)

    def measure_celery() -> Rate:
        client.flushdb()
        ids = [str(uuid4()) for _ in range(chains)]
        return _timed(lambda thought: _apply_async(steps, thought), ids, chains)

    print(
        f"{batches * BATCH_SIZE} chains of {CATALOGUE.total} steps by the bridge and {chains} by chain.apply_async "
        "in each round"
    )
    print_machine()
    pairs = [_measure_pair(number, measure_bridge, measure_celery) for number in range(rounds + 1)][1:]
    client.flushdb()
    print(f"ratio by wall time: {spread([bridge.wall / celery.wall for bridge, celery in pairs], '.1f')}")
    print(f"ratio by CPU time:  {spread([bridge.cpu / celery.cpu for bridge, celery in pairs], '.1f')}")
    print_machine()


def _measure_pair(
    number: int, measure_bridge: Callable[[], Rate], measure_celery: Callable[[], Rate]
) -> tuple[Rate, Rate]:
    bridge, celery = measure_bridge(), measure_celery()
    line = f"bridge {bridge.wall:7.0f}/s ({bridge.cpu:7.0f} per CPU second)   "
    line += f"chain.apply_async {celery.wall:6.0f}/s ({celery.cpu:6.0f} per CPU second)"
    print(f"round {number}: {line}" if number else f"warm-up: {line}", flush=True)
    return bridge, celery


def _timed(send: Callable[[T], None], items: Sequence[T], chains: int) -> Rate:
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    for item in items:
        send(item)
    return Rate(chains / (time.perf_counter() - wall_start), chains / (time.process_time() - cpu_start))


def _plain_steps(settings: Settings) -> list[Task]:
    app = Celery("plain")
    app.conf.update(broker_settings(settings.broker_url, settings.redis_prefix))

    def never_run(thought_id: str, token: int) -> None:
        """A task that is only sent."""

    return [app.task(never_run, name=task_name(name), shared=False) for name in CATALOGUE.names]


def _apply_async(steps: list[Task], thought_id: str) -> None:
    chain(*(step.si(thought_id, 1) for step in steps)).apply_async()


def _head() -> Head:
    """Return a head as DECIDE returns it for a new thought."""
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
        needs_dispatch=True,
        begins=True,
    )
