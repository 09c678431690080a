"""What a worker process has of its own: connections made at its first task, and what shows that it lives."""

import threading
from functools import cached_property
from typing import Any

from agents import make_provider
from contracts.database import POOL_SIZE, Database, make_engine
from contracts.progress import Publisher, connect
from contracts.settings import Settings
from tasks.batches import Batches
from tasks.calls import Calls
from tasks.liveness import Signs
from tasks.step import OTHERS_SECONDS, Outcome, PutBack, StepRunner
from tasks.step_store import Ledger, Step
from tasks.watchdog import Guard, is_told_to_end


def make_ledger(settings: Settings, connections: int = POOL_SIZE) -> Ledger:
    """The statements, over a pool whose waits are bounded by RENEW_SECONDS: the patience counts on that."""
    seconds = settings.renew_seconds
    engine = make_engine(
        settings.database_url, "worker", statement_seconds=seconds, connections=connections, by_key=True
    )
    return Ledger(Database(engine), settings)


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
        self.signs = Signs()

    @cached_property
    def ledger(self) -> Ledger:
        """The statements."""
        return make_ledger(self._settings)

    @cached_property
    def runner(self) -> StepRunner:
        """The step protocol with this process's provider.

        The renewals have a connection of their own: behind forty steps that wait for a slow PostgreSQL they came so
        late that living calls looked dead.
        """
        publisher = Publisher(connect(self._settings.redis_url), self._settings.redis_sse_prefix)
        calls = Calls(make_ledger(self._settings, connections=1).renew, self._settings.renew_seconds)
        return StepRunner(self.ledger, self._provider, publisher, calls, self._settings, leaving=self._is_leaving)

    def run(self, step: Step) -> Outcome:
        """Run one step. A process that leaves gives its message to the others."""
        with self._lock:
            if self._is_leaving():
                return PutBack(OTHERS_SECONDS)
            runner = self.runner
            self.signs.running += 1
        try:
            return runner.run(step)
        finally:
            with self._lock:
                self.signs.running -= 1

    def watch(self, consumer: Any) -> None:
        """Begin to look after the process; `consumer` is Celery's."""
        Guard(self._settings, consumer, self.signs, self._wedged, self._close).start()

    def _is_leaving(self) -> bool:
        return self.signs.leaving or is_told_to_end()

    def _close(self) -> None:
        with self._lock:
            self.signs.leaving = True

    def _wedged(self) -> int:
        with self._lock:
            runner = self.__dict__.get("runner")
        return len(runner.calls.wedged()) if runner else 0
