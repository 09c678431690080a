"""The thread that looks after a worker: when it beats, when it ends the process, and what it waits for first."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from agents.interface import CallContext
from contracts.settings import Settings
from tasks import liveness, watchdog
from tasks.liveness import WorkerCounters
from tasks.step import Advance, Requeue
from tasks.step_store import Step
from tasks.watchdog import Watchdog
from tasks.worker import Worker
from tests.eventually import eventually
from tests.tasks.fake_provider import Puppet

QUEUE = "thoughts"


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {
        "lease_renew_seconds": 0.1,
        "lease_seconds": 0.4,
        "agent_timeout_seconds": 0.1,
        "heartbeat_file": str(tmp_path / "heartbeat"),
    }


class Consumer:
    """Celery's consumer, as far as it is used; its loop has a turn at every look, or none."""

    connecting = False

    def __init__(self, *, still: bool = False) -> None:
        self.cancelled: list[str] = []
        self.pool = SimpleNamespace(limit=1)
        self.task_consumer = SimpleNamespace(queues=[SimpleNamespace(name=QUEUE)])
        self._still = still
        self._iterations = 0

    @property
    def loop_iterations(self) -> int:
        self._iterations += not self._still
        return self._iterations

    def cancel_task_queue(self, queue: str) -> None:
        self.cancelled.append(queue)

    def call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is trouble after a few looks."""
    monkeypatch.setattr(liveness, "STALL_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(watchdog, "NEXT_STEPS_SECONDS", 0.1)


Start = Callable[..., list[int]]


@pytest.fixture
def started(settings: Settings) -> Iterator[Start]:
    """Starts a guard, and says with which exit statuses it wanted to leave; all of them leave after the test."""
    over: list[bool] = []

    def start(consumer: Consumer, signs: WorkerCounters, chosen: Settings = settings) -> list[int]:
        left: list[int] = []
        Watchdog(chosen, consumer, signs, lambda: 99 * len(over), lambda: None, left.append).start()
        guards.append(left)
        return left

    guards: list[list[int]] = []
    yield start
    over.append(True)
    eventually(lambda: all(guards))


def has_new_beats(settings: Settings) -> bool:
    """Whether the heartbeat file comes back when it is taken away."""
    file = Path(settings.heartbeat_file)
    file.unlink(missing_ok=True)
    return eventually(file.exists)


@pytest.mark.usefixtures("quick")
def test_a_loop_that_stands_still_ends_the_process(started: Start, settings: Settings) -> None:
    left = started(consumer := Consumer(still=True), WorkerCounters())
    assert eventually(lambda: left) == [70]
    assert consumer.cancelled == [QUEUE]


@pytest.mark.usefixtures("quick")
def test_a_consumer_that_lost_its_queue_ends_the_process(
    started: Start, settings: Settings, redis_client: redis.Redis
) -> None:
    redis_client.lpush(QUEUE, "a message")
    left = started(Consumer(), WorkerCounters())
    assert eventually(lambda: left) == [70]


@pytest.mark.usefixtures("quick")
def test_a_process_without_progress_lets_its_steps_end_and_shows_life_meanwhile(
    started: Start, settings: Settings
) -> None:
    signs = WorkerCounters(running=1)
    left = started(consumer := Consumer(still=True), signs)
    eventually(lambda: consumer.cancelled)
    assert has_new_beats(settings)
    assert left == []
    signs.running = 0
    assert eventually(lambda: left) == [70]


@pytest.mark.usefixtures("quick")
def test_a_worker_at_work_stays_and_beats(started: Start, settings: Settings, redis_client: redis.Redis) -> None:
    redis_client.lpush(QUEUE, "a message")
    left = started(consumer := Consumer(), WorkerCounters(running=1))
    for _ in range(6):
        assert has_new_beats(settings)
    assert (left, consumer.cancelled) == ([], [])


@pytest.mark.usefixtures("quick")
def test_a_broker_that_is_away_ends_nobody(started: Start, settings: Settings) -> None:
    away = settings.model_copy(update={"celery_broker_url": "redis://127.0.0.1:9/0"})
    left = started(Consumer(), WorkerCounters(), away)
    for _ in range(6):
        assert has_new_beats(settings)
    assert left == []


def test_a_guard_that_cannot_look_shows_no_life(
    started: Start, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    left = started(consumer := Consumer(), WorkerCounters())
    assert has_new_beats(settings)
    iterations = consumer.__dict__.pop("_iterations")
    for _ in range(2):
        caplog.clear()
        eventually(lambda: "could not look after itself" in caplog.text)
        Path(settings.heartbeat_file).unlink(missing_ok=True)
    eventually(lambda: caplog.text.count("could not look after itself") > 2)
    assert not Path(settings.heartbeat_file).exists()
    assert left == []
    consumer._iterations = iterations


def test_a_process_leaves_only_for_a_call_that_ignores_its_cancellation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    left: list[int] = []
    taken: list[list[str]] = []
    consumer = Consumer()

    def play(_: CallContext) -> None:
        taken.append(list(consumer.cancelled))
        eventually(lambda: left)

    monkeypatch.setattr("tasks.worker.make_provider", lambda _: Puppet(play))
    worker = Worker(settings)
    Watchdog(settings, consumer, worker.counters, worker._count_stuck, worker._stop_accepting, left.append).start()
    assert worker.run(step) == Advance()
    assert worker.run(step) == Requeue(1.0)
    assert (left, taken, consumer.cancelled) == ([70], [[]], [QUEUE])
    assert worker.counters.running == 0
    worker.step_store._database.engine.dispose()
