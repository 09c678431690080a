"""What a worker process has of its own: connections made at its first task, and its end when a thread is wedged.

A thread that ignores its cancellation is lost for good, and Celery's warm and cold shutdowns both wait for it. So the
process takes no new messages, lets its other steps end, until Celery has sent their successors on, and leaves with
`WEDGED_EXIT`; its manager starts a new one.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from celery.worker import state

from agents import make_provider
from contracts.database import POOL_SIZE, Database, make_engine
from contracts.progress import Publisher, connect
from contracts.queues import SOLO_QUEUE, THOUGHTS_QUEUE
from contracts.settings import Settings
from tasks.batches import Batches
from tasks.calls import Calls
from tasks.ledger import Ledger, Step
from tasks.step import Outcome, StepRunner

log = logging.getLogger(__name__)

WEDGED_EXIT: Final = 70


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
        return StepRunner(self.ledger, self._provider, publisher, calls, self._settings)

    def run(self, step: Step) -> Outcome:
        """Run one step."""
        with self._lock:
            runner = self.runner
        return runner.run(step)

    def watch(self, consumer: Any, leave: Callable[[int], object] = os._exit) -> None:
        """Begin to look for wedged calls; `consumer` is Celery's."""
        threading.Thread(target=self._watch, args=(consumer, leave), name="wedge-watch", daemon=True).start()

    def _watch(self, consumer: Any, leave: Callable[[int], object]) -> None:
        while not self._wedged():
            time.sleep(self._settings.renew_seconds)
        log.error("A call overstays its deadline for good; this process takes no new work and will be replaced.")
        for queue in (THOUGHTS_QUEUE, SOLO_QUEUE):
            consumer.call_soon(consumer.cancel_task_queue, queue)
        while len(state.active_requests) > self._wedged():
            time.sleep(0.1)
        leave(WEDGED_EXIT)

    def _wedged(self) -> int:
        with self._lock:
            runner = self.__dict__.get("runner")
        return len(runner.calls.wedged()) if runner else 0
