"""The worker's processes: Celery's part is played here, the steps are the production code."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import NAMESPACE_OID, UUID, uuid5

from celery.exceptions import Retry

from agents.catalogue import CATALOGUE
from agents.errors import Cancelled, InvalidOutput, PermanentError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext
from contracts.settings import Settings
from tasks.application import ThoughtFailedError, _apply
from tasks.calls import Calls
from tasks.step import Drop, StepOutcome, StepRunner
from tasks.step_store import Step, StepStore
from tests.simulation.actors import Servers
from tests.simulation.database import Door
from tests.simulation.fibers import Fate, Fiber, Means, Process, park
from tests.simulation.redis import ANYBODY, TOLD, Message, Publisher, later
from tests.simulation.store import UNSTORABLE
from tests.tasks.agent_results import a_result

SLOTS: Final = 3

ASKED_BEFORE_LEAVING: Final = 2
"""A worker that is told to end may leave a claim behind only when PostgreSQL left it unanswered so often."""

THINKS: Final = Means(fates=frozenset({Fate.TRANSIENT, Fate.PERMANENT, Fate.INVALID, Fate.UNSTORABLE}))

RESULT: Final = a_result()
BAD_RESULT: Final = a_result(version=UNSTORABLE)


class Agents:
    """The provider of a worker process. To be called is to be paid."""

    def __init__(self, servers: Servers, process: Process) -> None:
        self._servers = servers
        self._process = process

    def run(self, agent_name: str, given: AgentInput, context: CallContext) -> AgentResult:
        step, call = CATALOGUE.names.index(agent_name) + 1, UUID(context.call_id)
        thought = self._servers.tables.thoughts[UUID(given.thought_id)]
        self._servers.promise.paid(thought, step, call, self._process)
        fate = park("agent", THINKS)
        if context.cancelled.is_set():
            self._servers.promise.answered_by_agent(call, Fate.TRANSIENT)
            raise Cancelled("nobody waits, or not that long")
        self._servers.promise.answered_by_agent(call, fate)
        if fate in _ERRORS:
            raise _ERRORS[fate]()
        return BAD_RESULT if fate is Fate.UNSTORABLE else RESULT


_ERRORS: Final[dict[Fate, Callable[[], Exception]]] = {
    Fate.TRANSIENT: lambda: TransientError("busy"),
    Fate.INVALID: lambda: InvalidOutput("no answer"),
    Fate.PERMANENT: lambda: PermanentError("refused"),
}


class WorkerProcess(Process):
    """A Celery worker: some slots, and the thread of its renewals."""

    def __init__(self, name: str, servers: Servers, settings: Settings, call_ids: Callable[[], UUID]) -> None:
        super().__init__(name, settings)
        self._servers = servers
        self._clock = servers.clock
        step_store = StepStore(Door(servers.postgres, self), settings)
        self._calls = Calls(
            step_store.renew,
            settings.lease_renew_seconds,
            self._clock.monotonic,
            sleep=self._clock.sleep,
            start=self._renew,
        )
        self._agents = Agents(servers, self)
        self._call_ids = call_ids
        self.renewal: Fiber | None = None
        self.drains = False
        self.busy = 0

    def _renew(self, body: Callable[[], None]) -> None:
        self.renewal = self.spawn(body, "renewal")

    def drain(self) -> None:
        """Take nothing new, and end when all steps have ended."""
        self.drains = True
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self.drains and not self.busy:
            self.dead = True

    def deliver(self, message: Message) -> None:
        """Take a message from the queue into a slot."""
        self._servers.redis.take(message)
        self.busy += 1
        self.spawn(lambda: self._work(message), "step")

    def _run(self, message: Message) -> StepOutcome:
        calls: list[UUID] = []

        def call_id() -> UUID:
            calls.append(self._call_id(message))
            if message.alone:
                self._servers.promise.alone.add(calls[-1])
            return calls[-1]

        door = Door(self._servers.postgres, self)
        try:
            outcome = self._runner(door, call_id).run(Step(message.thought_id, message.token, message.step))
        except Exception:  # noqa: BLE001  as at the task's own boundary
            outcome = Drop("fault")
        may_leave = self.drains and door.unanswered >= ASKED_BEFORE_LEAVING
        self._servers.promise.left(self._servers.tables.thoughts.get(message.thought_id), calls, may_leave=may_leave)
        return outcome

    def _runner(self, door: Door, call_ids: Callable[[], UUID]) -> StepRunner:
        return StepRunner(
            StepStore(door, self.settings),
            self._agents,
            cast("Any", Publisher(self._servers.redis)),
            self._calls,
            self.settings,
            clock=self._clock.monotonic,
            sleep=self._clock.sleep,
            call_ids=call_ids,
            shutting_down=lambda: self.drains,
        )

    def _call_id(self, message: Message) -> UUID:
        """The id of an execution; with this guard switched off it is the message's, which its repeats have as well."""
        if "worker.call_id" in self._servers.postgres.postgres.off:
            return uuid5(NAMESPACE_OID, message.task)
        return self._call_ids()

    def _work(self, message: Message) -> None:
        delivery = Delivery(message)
        outcome = self._run(message)
        try:
            _apply(delivery, outcome)
            after = self._next(message) if delivery.request.chain else None
        except Retry:
            after = later(message, self._clock.monotonic, delivery.countdown)
        except ThoughtFailedError:
            after = None
        if after is not None and park("chain", TOLD) is Fate.GO:
            self._servers.redis.push(after)
        if park("acknowledgement", TOLD) is Fate.GO:
            self._servers.redis.acknowledge(message)
        self.busy -= 1
        self._end_if_idle()

    def _next(self, message: Message) -> Message | None:
        if message.step == CATALOGUE.total:
            return None
        root = message.task.rpartition("/")[0] or message.task
        task, step = f"{root}/{message.step + 1}", message.step + 1
        return Message(task, message.thought_id, message.token, step, alone=task.startswith(ANYBODY))


class Delivery:
    """A task as Celery hands it to its body."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.request = SimpleNamespace(chain=["the steps after this one"])
        self.countdown = 0.0

    def retry(self, countdown: float, max_retries: int | None) -> Retry:
        self.countdown = countdown
        return Retry()
