"""The watchdog: when it touches the heartbeat file, when it ends the process, and what it waits for first."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from agents.interface import CallContext
from contracts.queues import key_prefix
from contracts.settings import Settings
from tasks import liveness, watchdog
from tasks.liveness import WorkerCounters
from tasks.step_outcomes import Advance, Requeue
from tasks.step_store import Step
from tasks.watchdog import Watchdog
from tasks.worker import Worker
from tests.eventually import eventually
from tests.tasks.fake_provider import FakeProvider

QUEUE = "thoughts"


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, Any]:
    return {
        "lease_renew_seconds": 0.1,
        "lease_seconds": 0.4,
        "agent_timeout_seconds": 0.1,
        "heartbeat_file": str(tmp_path / "heartbeat"),
    }


class FakeConsumer:
    """Stands in for Celery's consumer. Its event loop iterates at every sample, unless it is stalled."""

    connecting = False

    def __init__(self, *, is_stalled: bool = False) -> None:
        self.cancelled: list[str] = []
        self.pool = SimpleNamespace(limit=1)
        self.task_consumer = SimpleNamespace(queues=[SimpleNamespace(name=QUEUE)])
        self._is_stalled = is_stalled
        self._iterations = 0

    @property
    def loop_iterations(self) -> int:
        self._iterations += not self._is_stalled
        return self._iterations

    def cancel_task_queue(self, queue: str) -> None:
        self.cancelled.append(queue)

    def call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        function(*arguments)


@pytest.fixture
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lack of progress is a problem after a few samples."""
    monkeypatch.setattr(liveness, "STALL_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(watchdog, "NEXT_STEPS_SECONDS", 0.1)


StartWatchdog = Callable[..., list[int]]
"""Takes a consumer, counters and optional settings; returns the exit statuses, to which the watchdog appends."""


@pytest.fixture
def start_watchdog(settings: Settings) -> Iterator[StartWatchdog]:
    """Starts watchdogs, and makes all of them exit after the test by reporting stuck calls."""
    stuck_calls = 0

    def start(consumer: FakeConsumer, counters: WorkerCounters, watchdog_settings: Settings = settings) -> list[int]:
        exits: list[int] = []
        Watchdog(watchdog_settings, consumer, counters, lambda: stuck_calls, lambda: None, exits.append).start()
        exits_of_all.append(exits)
        return exits

    exits_of_all: list[list[int]] = []
    yield start
    stuck_calls = 99
    eventually(lambda: all(exits_of_all))


def is_heartbeat_touched(settings: Settings) -> bool:
    """Delete the heartbeat file and return whether the watchdog creates it again."""
    file = Path(settings.heartbeat_file)
    file.unlink(missing_ok=True)
    return eventually(file.exists)


@pytest.mark.usefixtures("short_timeouts")
def test_a_stalled_event_loop_ends_the_process(start_watchdog: StartWatchdog, settings: Settings) -> None:
    exits = start_watchdog(consumer := FakeConsumer(is_stalled=True), WorkerCounters())
    assert eventually(lambda: exits) == [70]
    assert consumer.cancelled == [QUEUE]


@pytest.mark.usefixtures("short_timeouts")
def test_a_consumer_without_its_queue_ends_the_process(
    start_watchdog: StartWatchdog, settings: Settings, redis_client: redis.Redis
) -> None:
    redis_client.lpush(key_prefix(settings.redis_prefix) + QUEUE, "a message")
    exits = start_watchdog(FakeConsumer(), WorkerCounters())
    assert eventually(lambda: exits) == [70]


@pytest.mark.usefixtures("short_timeouts")
def test_the_watchdog_waits_for_running_steps_and_touches_the_heartbeat_meanwhile(
    start_watchdog: StartWatchdog, settings: Settings
) -> None:
    counters = WorkerCounters(running=1)
    exits = start_watchdog(consumer := FakeConsumer(is_stalled=True), counters)
    eventually(lambda: consumer.cancelled)
    assert is_heartbeat_touched(settings)
    assert exits == []
    counters.running = 0
    assert eventually(lambda: exits) == [70]


@pytest.mark.usefixtures("short_timeouts")
def test_a_busy_worker_is_healthy(start_watchdog: StartWatchdog, settings: Settings, redis_client: redis.Redis) -> None:
    redis_client.lpush(key_prefix(settings.redis_prefix) + QUEUE, "a message")
    exits = start_watchdog(consumer := FakeConsumer(), WorkerCounters(running=1))
    for _ in range(6):
        assert is_heartbeat_touched(settings)
    assert (exits, consumer.cancelled) == ([], [])


@pytest.mark.usefixtures("short_timeouts")
def test_an_unavailable_broker_ends_no_worker(start_watchdog: StartWatchdog, settings: Settings) -> None:
    without_broker = settings.model_copy(update={"celery_broker_url": "redis://127.0.0.1:9/0"})
    exits = start_watchdog(FakeConsumer(), WorkerCounters(), without_broker)
    for _ in range(6):
        assert is_heartbeat_touched(settings)
    assert exits == []


def test_a_watchdog_whose_check_fails_does_not_touch_the_heartbeat(
    start_watchdog: StartWatchdog, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    exits = start_watchdog(consumer := FakeConsumer(), WorkerCounters())
    assert is_heartbeat_touched(settings)
    iterations = consumer.__dict__.pop("_iterations")
    for _ in range(2):
        caplog.clear()
        eventually(lambda: "could not check this worker" in caplog.text)
        Path(settings.heartbeat_file).unlink(missing_ok=True)
    eventually(lambda: caplog.text.count("could not check this worker") > 2)
    assert not Path(settings.heartbeat_file).exists()
    assert exits == []
    consumer._iterations = iterations


def test_a_stuck_call_ends_the_process(settings: Settings, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    exits: list[int] = []
    cancelled_during_call: list[list[str]] = []
    consumer = FakeConsumer()

    def behave(_: CallContext) -> None:
        cancelled_during_call.append(list(consumer.cancelled))
        eventually(lambda: exits)

    monkeypatch.setattr("tasks.worker.make_provider", lambda _: FakeProvider(behave))
    worker = Worker(settings)
    Watchdog(settings, consumer, worker.counters, worker._count_stuck, worker._stop_accepting, exits.append).start()
    assert worker.run(step) == Advance()
    assert worker.run(step) == Requeue(1.0)
    assert (exits, cancelled_during_call, consumer.cancelled) == ([70], [[]], [QUEUE])
    assert worker.counters.running == 0
    worker.step_store.database.engine.dispose()
