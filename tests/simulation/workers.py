"""The workers: Celery's part is simulated, the steps are production code."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import NAMESPACE_OID, UUID, uuid5

from celery.exceptions import Retry

from agents.catalogue import CATALOGUE
from agents.errors import Cancelled, InvalidOutput, PermanentError, ServiceError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext
from contracts.settings import Settings
from tasks.admission.budgets import Budgets
from tasks.admission.gate import Gate
from tasks.application import ThoughtFailedError, _apply
from tasks.calls import Calls
from tasks.step import StepRunner
from tasks.step_outcomes import Drop, StepOutcome
from tasks.step_store import Step, StepStore
from tests.simulation.database import SimulatedDatabase
from tests.simulation.fibers import Fiber, Outcome, PossibleOutcomes, Process, park
from tests.simulation.processes import Servers
from tests.simulation.redis import EXTERNAL_TASK_PREFIX, WORKER_OUTCOMES, Message, SimulatedProgress, postponed
from tests.simulation.store import UNSTORABLE
from tests.tasks.agent_results import make_result

SLOTS: Final = 3

MIN_FAILURES_TO_ABANDON: Final = 2
"""A worker that shuts down may abandon a claim only after this many consecutive statements without an answer."""

AGENT_OUTCOMES: Final = PossibleOutcomes(
    outcomes=frozenset({Outcome.TRANSIENT, Outcome.PERMANENT, Outcome.INVALID, Outcome.UNSTORABLE, Outcome.SERVICE})
)
PROBE_OUTCOMES: Final = PossibleOutcomes(outcomes=frozenset({Outcome.SERVICE}))

RESULT: Final = make_result()
UNSTORABLE_RESULT: Final = make_result(version=UNSTORABLE)


class SimulatedProvider:
    """The provider of a worker process. Every call of it is paid."""

    def __init__(self, servers: Servers, process: Process) -> None:
        self._servers = servers
        self._process = process

    def identity(self) -> Mapping[str, Any]:
        return {"provider": "simulated"}

    def models(self, agent_name: str) -> Sequence[str]:
        return ("simulated:model",)

    def check(self, model: str) -> None:
        """Wait for the service, as a probe does."""
        if park("probe", PROBE_OUTCOMES) is Outcome.SERVICE or self._servers.is_model_down:
            raise _service_error()
        self._servers.checks.probe_succeeded_at = self._servers.clock.now

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        step, call = CATALOGUE.names.index(agent_name) + 1, UUID(context.call_id)
        thought = self._servers.tables.thoughts[UUID(agent_input.thought_id)]
        self._servers.checks.agent_called(thought, step, call, self._process)
        outcome = park("agent", AGENT_OUTCOMES)
        if self._servers.is_model_down:
            outcome = Outcome.SERVICE
        if context.cancelled.is_set():
            self._servers.checks.agent_answered(call, Outcome.SERVICE)
            raise Cancelled("the call was fenced, or its deadline has passed")
        self._servers.checks.agent_answered(call, outcome)
        if outcome in _ERRORS:
            raise _ERRORS[outcome]()
        return UNSTORABLE_RESULT if outcome is Outcome.UNSTORABLE else RESULT


def _service_error() -> ServiceError:
    return ServiceError("no answer", "outage")


_ERRORS: Final[dict[Outcome, Callable[[], Exception]]] = {
    Outcome.TRANSIENT: lambda: TransientError("busy"),
    Outcome.INVALID: lambda: InvalidOutput("no answer"),
    Outcome.PERMANENT: lambda: PermanentError("refused"),
    Outcome.SERVICE: _service_error,
}


class WorkerProcess(Process):
    """A Celery worker: some slots for steps, and the thread that renews its calls."""

    def __init__(self, name: str, servers: Servers, settings: Settings, call_ids: Callable[[], UUID]) -> None:
        super().__init__(name, settings)
        self._servers = servers
        self._clock = servers.clock
        step_store = StepStore(SimulatedDatabase(servers.postgres_server, self), settings)
        self._provider = SimulatedProvider(servers, self)
        self._gate = Gate(
            self._provider,
            settings,
            servers.model_states,
            Budgets(settings, settings.redis_url, "simulated"),
            lease_seconds=settings.lease_seconds,
            on_change=lambda *_: None,
            clock=servers.clock.monotonic,
            random_fraction=lambda: 0.0,
        )
        self._calls = Calls(
            step_store.renew,
            settings.lease_renew_seconds,
            self._clock.monotonic,
            sleep=self._clock.sleep,
            start=self._start_renewals,
            after_renewal=self._gate.renew,
        )
        self._call_ids = call_ids
        self.renewal: Fiber | None = None
        self.is_draining = False
        self.busy_slots = 0

    def _start_renewals(self, body: Callable[[], None]) -> None:
        self.renewal = self.spawn(body, "renewal")

    def drain(self) -> None:
        """Take no new messages, and exit when all steps have ended."""
        self.is_draining = True
        self._exit_if_drained()

    def _exit_if_drained(self) -> None:
        if self.is_draining and not self.busy_slots:
            self.is_dead = True

    def deliver(self, message: Message) -> None:
        """Take a message from the queue into a slot."""
        self._servers.redis.take(message)
        self.busy_slots += 1
        self.spawn(lambda: self._work(message), "step")

    def _run_step(self, message: Message) -> StepOutcome:
        calls: list[UUID] = []

        def next_call_id() -> UUID:
            calls.append(self._call_id(message))
            if message.is_solo:
                self._servers.checks.solo_calls.add(calls[-1])
            return calls[-1]

        database = SimulatedDatabase(self._servers.postgres_server, self)
        step = Step(message.thought_id, message.dispatch_id, message.step)
        try:
            outcome = self._runner(database, next_call_id).run(step)
        except Exception:  # noqa: BLE001  as at the boundary of the real task
            outcome = Drop("fault")
        thought = self._servers.tables.thoughts.get(message.thought_id)
        may_abandon_claim = self.is_draining and database.consecutive_failures >= MIN_FAILURES_TO_ABANDON
        self._servers.checks.execution_ended(thought, calls, may_abandon_claim=may_abandon_claim)
        return outcome

    def _runner(self, database: SimulatedDatabase, call_ids: Callable[[], UUID]) -> StepRunner:
        return StepRunner(
            StepStore(database, self.settings),
            self._provider,
            cast("Any", SimulatedProgress(self._servers.redis)),
            self._calls,
            self._gate,
            self.settings,
            clock=self._clock.monotonic,
            sleep=self._clock.sleep,
            call_ids=call_ids,
            shutting_down=lambda: self.is_draining,
        )

    def _call_id(self, message: Message) -> UUID:
        """Return a new id for an execution. Without its guard, every execution of a message has the same id."""
        if "worker.call_id" in self._servers.postgres_server.postgres.disabled:
            return uuid5(NAMESPACE_OID, message.task_id)
        return self._call_ids()

    def _work(self, message: Message) -> None:
        task = SimulatedTask()
        outcome = self._run_step(message)
        try:
            _apply(task, outcome)
            following = self._next_message(message) if task.request.chain else None
        except Retry:
            following = postponed(message, self._clock.monotonic, task.countdown)
        except ThoughtFailedError:
            following = None
        if following is not None and park("send next step", WORKER_OUTCOMES) is Outcome.DONE:
            self._servers.redis.push(following)
        if park("acknowledge", WORKER_OUTCOMES) is Outcome.DONE:
            self._servers.redis.acknowledge(message)
        self.busy_slots -= 1
        self._exit_if_drained()

    def _next_message(self, message: Message) -> Message | None:
        if message.step == CATALOGUE.total:
            return None
        root = message.task_id.rpartition("/")[0] or message.task_id
        task_id, step = f"{root}/{message.step + 1}", message.step + 1
        is_solo = task_id.startswith(EXTERNAL_TASK_PREFIX)
        return Message(task_id, message.thought_id, message.dispatch_id, step, is_solo=is_solo)


class SimulatedTask:
    """The task object that Celery passes to the task's body."""

    def __init__(self) -> None:
        self.request = SimpleNamespace(chain=["the steps after this one"])
        self.countdown = 0.0

    def retry(self, countdown: float, max_retries: int | None) -> Retry:
        self.countdown = countdown
        return Retry()
