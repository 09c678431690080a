"""The state of one worker process: its connections, opened at the first step, and the counters its watchdog reads."""

import threading
from functools import cached_property, partial
from typing import Any, Final

import redis
from sqlalchemy.exc import SQLAlchemyError

from agents.catalogue import CATALOGUE
from agents.embedding.embedder import embedder
from agents.selection import make_provider
from contracts.database import POOL_SIZE, Database, make_engine
from contracts.foreign_items import ForeignItemLog, is_foreign
from contracts.installation import InstallationWatch, read_installation_id
from contracts.progress import ProgressPublisher, connect_redis, publish_partial_texts
from contracts.reporter import Reporter, make_reporter
from contracts.settings import Settings
from tasks.admission.budgets import Budgets
from tasks.admission.gate import Gate
from tasks.admission.reporting import report_changes
from tasks.admission.state_store import SharedStates, StatesWithFallback, forget_other_models
from tasks.calls import Calls
from tasks.liveness import WorkerCounters
from tasks.memory.memory import Memory, NoMemory
from tasks.memory.memory_store import MemoryStore
from tasks.partial_text import PartialTextPublisher
from tasks.step import REQUEUE_SECONDS, StepRunner
from tasks.step_outcomes import Drop, Requeue, StepOutcome
from tasks.step_store import Step, StepStore
from tasks.watchdog import Watchdog, is_shutting_down
from tasks.worker_report import WorkerReport

FOREIGN_MESSAGES: Final = (
    "ALARM: another installation sends messages to the queue of this one: %d so far, the last one of %s. They are "
    "dropped here, and that installation sends them again; give each installation its own REDIS_SSE_PREFIX."
)


def _make_step_store(settings: Settings, connections: int = POOL_SIZE) -> StepStore:
    """Return a step store whose every statement is bounded by LEASE_RENEW_SECONDS, as the length of a lease assumes."""
    seconds = settings.lease_renew_seconds
    engine = make_engine(
        settings.database_url, "worker", statement_seconds=seconds, connections=connections, index_plans_only=True
    )
    return StepStore(Database(engine), settings)


class Worker:
    """Runs the steps of one process. Thread-safe; connects to nothing before the first step."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider = make_provider(settings)
        self._lock = threading.Lock()
        self._reporter: Reporter | None = None
        self._foreign_messages = ForeignItemLog(FOREIGN_MESSAGES)
        self.counters = WorkerCounters()

    @cached_property
    def step_store(self) -> StepStore:
        """The step store of the steps; the renewals have their own."""
        return _make_step_store(self._settings)

    @cached_property
    def runner(self) -> StepRunner:
        """The step protocol with this process's provider.

        Renewals have their own connection: behind forty steps that waited for a slow PostgreSQL they came so late that
        the leases of living calls expired.
        """
        client, prefix = connect_redis(self._settings.redis_url), self._settings.redis_prefix
        gate = self._make_gate(client)
        renewals = _make_step_store(self._settings, connections=1)
        calls = Calls(renewals.renew, self._settings.lease_renew_seconds, after_renewal=gate.renew)
        return StepRunner(
            self.step_store,
            self._provider,
            ProgressPublisher(client, prefix),
            calls,
            gate,
            self._settings,
            shutting_down=self._is_shutting_down,
            show_progress=PartialTextPublisher(partial(publish_partial_texts, client, prefix)).show,
            memory=self._make_memory(),
        )

    def _make_memory(self) -> NoMemory:
        if not self._settings.memory:
            return NoMemory()
        return Memory(MemoryStore(self.step_store.database), self._provider, embedder)

    def _make_gate(self, client: redis.Redis) -> Gate:
        prefix = self._settings.redis_prefix
        forget_other_models(
            client, prefix, {model for name in CATALOGUE.names for model in self._provider.models(name)}
        )
        return Gate(
            self._provider,
            self._settings,
            StatesWithFallback(SharedStates(client, prefix)),
            Budgets(self._settings, self._settings.redis_url, prefix),
            lease_seconds=self._settings.lease_seconds,
            on_change=report_changes(self.step_store.count_in_progress),
        )

    @cached_property
    def installation_id(self) -> str:
        """The id of this installation. Raises SQLAlchemyError when PostgreSQL is unavailable."""
        return read_installation_id(self.step_store.database)

    @cached_property
    def installation_watch(self) -> InstallationWatch:
        """Checks that this installation's names in Redis are its own."""
        return InstallationWatch(self._settings, self.step_store.database)

    def run(self, step: Step, sender: str | None = None) -> StepOutcome:
        """Run one step, or requeue it for another worker when this process is shutting down.

        A message of another installation, the `sender`, is dropped: its own bridges send it again when the lease
        expires. To requeue it would let it circle among these workers, who are there, while its own ones may not be.
        """
        if sender is not None and (refusal := self._refuse_foreign(sender)) is not None:
            return refusal
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

    def _refuse_foreign(self, sender: str) -> StepOutcome | None:
        """Return what becomes of a message of another installation; None for one of this installation."""
        try:
            if not is_foreign(sender, self.installation_id):
                return None
        except SQLAlchemyError:
            return Requeue(REQUEUE_SECONDS)
        self._foreign_messages.add(sender)
        return Drop("foreign")

    def start_watchdog(self, consumer: Any) -> None:
        """Start the watchdog of this process; `consumer` is Celery's."""
        Watchdog(self._settings, consumer, self.counters, self._count_stuck, self._stop_accepting).start()

    def start_reporting(self, consumer: Any) -> None:
        """Report this worker, with its slots, as long as it accepts steps; `consumer` is Celery's."""
        self._reporter = make_reporter(self._settings, WorkerReport(consumer, self._is_shutting_down))
        self._reporter.start()

    def stop_reporting(self) -> None:
        """Stop reporting at once, without waiting: a worker that shuts down accepts no steps. For signal handlers."""
        if self._reporter is not None:
            self._reporter.stop(wait=False)

    def _is_shutting_down(self) -> bool:
        return self.counters.shutting_down or is_shutting_down()

    def _stop_accepting(self) -> None:
        with self._lock:
            self.counters.shutting_down = True

    def _count_stuck(self) -> int:
        with self._lock:
            runner: StepRunner | None = self.__dict__.get("runner")
        return len(runner.calls.stuck()) if runner else 0
