"""What a worker process has of its own: connections made at its first task, and what shows that it lives."""

import threading
from functools import cached_property
from typing import Any

from agents.selection import make_provider
from contracts.database import POOL_SIZE, Database, make_engine
from contracts.progress import ProgressPublisher, connect_redis
from contracts.settings import Settings
from tasks.batches import Batches
from tasks.calls import Calls
from tasks.liveness import WorkerCounters
from tasks.step import REQUEUE_SECONDS, Requeue, StepOutcome, StepRunner
from tasks.step_store import Step, StepStore
from tasks.watchdog import Watchdog, is_shutting_down


def make_step_store(settings: Settings, connections: int = POOL_SIZE) -> StepStore:
    """The statements, over a pool whose waits are bounded by LEASE_RENEW_SECONDS: the patience counts on that."""
    seconds = settings.lease_renew_seconds
    engine = make_engine(
        settings.database_url, "worker", statement_seconds=seconds, connections=connections, index_plans_only=True
    )
    return StepStore(Database(engine), settings)


def request_batch(settings: Settings) -> None:
    """Write the row that asks for a batch, over a connection for this alone. Raises SQLAlchemyError."""
    engine = make_engine(settings.database_url, "beat", connections=1)
    try:
        Batches(Database(engine)).request()
    finally:
        engine.dispose()


class Worker:
    """One a process, safe for its threads; connects to nothing before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider = make_provider(settings)
        self._lock = threading.Lock()
        self.counters = WorkerCounters()

    @cached_property
    def step_store(self) -> StepStore:
        """The statements."""
        return make_step_store(self._settings)

    @cached_property
    def runner(self) -> StepRunner:
        """The step protocol with this process's provider.

        The renewals have a connection of their own: behind forty steps that wait for a slow PostgreSQL they came so
        late that living calls looked dead.
        """
        publisher = ProgressPublisher(connect_redis(self._settings.redis_url), self._settings.redis_sse_prefix)
        calls = Calls(make_step_store(self._settings, connections=1).renew, self._settings.lease_renew_seconds)
        return StepRunner(
            self.step_store, self._provider, publisher, calls, self._settings, shutting_down=self._is_shutting_down
        )

    def run(self, step: Step) -> StepOutcome:
        """Run one step. A process that leaves gives its message to the others."""
        with self._lock:
            if self._is_shutting_down():
                return Requeue(REQUEUE_SECONDS)
            runner = self.runner
            self.counters.running += 1
        try:
            return runner.run(step)
        finally:
            with self._lock:
                self.counters.running -= 1

    def start_watchdog(self, consumer: Any) -> None:
        """Begin to look after the process; `consumer` is Celery's."""
        Watchdog(self._settings, consumer, self.counters, self._count_stuck, self._stop_accepting).start()

    def _is_shutting_down(self) -> bool:
        return self.counters.shutting_down or is_shutting_down()

    def _stop_accepting(self) -> None:
        with self._lock:
            self.counters.shutting_down = True

    def _count_stuck(self) -> int:
        with self._lock:
            runner: StepRunner | None = self.__dict__.get("runner")
        return len(runner.calls.stuck()) if runner else 0
