"""The system's processes, each the production code itself on the servers in memory."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import NAMESPACE_OID, UUID, uuid5

from celery.exceptions import Retry
from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from agents.errors import Cancelled, InvalidOutput, PermanentError, TransientError
from agents.interface import AgentInput, AgentResult, CallContext
from bridge.batches import BatchSource
from bridge.consumer import LogReplacedError
from bridge.relay import Relay
from bridge.run import Bridge, Broker
from bridge.sweep import Sweep
from contracts.queues import STEPS, TOTAL_STEPS
from contracts.settings import Settings, load_settings
from tasks.application import ThoughtGivenUpError, _apply
from tasks.calls import Calls
from tasks.ledger import Ledger, Step
from tasks.step import End, Outcome, StepRunner
from tests.simulation.clock import Clock
from tests.simulation.consumer import Source
from tests.simulation.database import Door, Engine, Server
from tests.simulation.fibers import Fate, Process, park
from tests.simulation.kafka import Kafka
from tests.simulation.producer import Producer
from tests.simulation.promise import ATTEMPTS, PATIENCE, Promise
from tests.simulation.redis import ANYBODY, Dispatcher, Message, News, Publisher, Redis, later
from tests.simulation.store import UNSTORABLE
from tests.tasks.results import a_result
from webapp import acceptance

SLOTS: Final = 3

_STORES: Final = {
    "_env_file": None,
    "database_url": "postgresql://simulated",
    "redis_url": "redis://simulated",
    "kafka_bootstrap_servers": "simulated:1",
    "patience_seconds": PATIENCE,
    "kafka_max_retries": ATTEMPTS - 1,
}
KAFKA: Final = load_settings(**cast("dict[str, Any]", _STORES))
BATCH: Final = load_settings(**cast("dict[str, Any]", _STORES), kafka_mode=False)

RESULT: Final = a_result()
BAD_RESULT: Final = a_result(version=UNSTORABLE)


class Servers:
    """What all processes share."""

    def __init__(self, clock: Clock, promise: Promise, postgres: Server, kafka: Kafka, redis: Redis) -> None:
        self.clock = clock
        self.promise = promise
        self.postgres = postgres
        self.kafka = kafka
        self.redis = redis
        self.tables = postgres.postgres.tables


class Agents:
    """The provider of a worker process. To be called is to be paid."""

    def __init__(self, servers: Servers, process: Process) -> None:
        self._servers = servers
        self._process = process

    def run(self, agent_name: str, given: AgentInput, context: CallContext) -> AgentResult:
        step, call = STEPS.index(agent_name) + 1, UUID(context.call_id)
        thought = self._servers.tables.thoughts[UUID(given.thought_id)]
        self._servers.promise.paid(thought, step, call, self._process)
        fate = park("agent")
        if fate is Fate.UNSTORABLE:
            return BAD_RESULT
        error = _cancelled if context.cancelled.is_set() else _ERRORS.get(fate)
        if error is not None:
            self._servers.promise.agent_failed(thought, step, call)
            raise error()
        return RESULT


def _cancelled() -> Exception:
    return Cancelled("nobody waits")


_ERRORS: Final[dict[Fate, Callable[[], Exception]]] = {
    Fate.TRANSIENT: lambda: TransientError("busy"),
    Fate.INVALID: lambda: InvalidOutput("no answer"),
    Fate.PERMANENT: lambda: PermanentError("refused"),
}


class WorkerProcess(Process):
    """A Celery worker: some slots, and the thread of its renewals."""

    def __init__(self, name: str, servers: Servers, call_ids: Callable[[], UUID]) -> None:
        super().__init__(name)
        self._servers = servers
        self._clock = servers.clock
        ledger = Ledger(Door(servers.postgres, self), KAFKA)
        self._calls = Calls(
            ledger.renew,
            KAFKA.renew_seconds,
            self._clock.monotonic,
            sleep=self._clock.sleep,
            start=self._renew,
        )
        self._ledger = ledger
        self._agents = Agents(servers, self)
        self._call_ids = call_ids
        self.busy = 0

    def _renew(self, body: Callable[[], None]) -> None:
        self.spawn(body, "renewal")

    def deliver(self, message: Message) -> None:
        """Take a message from the queue into a slot."""
        self._servers.redis.take(message)
        self.busy += 1
        self.spawn(lambda: self._work(message), "step")

    def _run(self, message: Message) -> Outcome:
        calls: list[UUID] = []

        def call_id() -> UUID:
            calls.append(self._call_id(message))
            if message.alone:
                self._servers.promise.alone.add(calls[-1])
            return calls[-1]

        try:
            outcome = self._runner(call_id).run(Step(message.thought_id, message.token, message.step))
        except Exception:  # noqa: BLE001  as at the task's own boundary
            outcome = End("fault")
        self._servers.promise.left(self._servers.tables.thoughts.get(message.thought_id), calls)
        return outcome

    def _runner(self, call_ids: Callable[[], UUID]) -> StepRunner:
        return StepRunner(
            self._ledger,
            self._agents,
            cast("Any", Publisher(self._servers.redis)),
            self._calls,
            KAFKA,
            clock=self._clock.monotonic,
            sleep=self._clock.sleep,
            call_ids=call_ids,
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
        except ThoughtGivenUpError:
            after = None
        if after is not None and park("chain") is Fate.GO:
            self._servers.redis.push(after)
        park("acknowledgement")
        self._servers.redis.acknowledge(message)
        self.busy -= 1

    def _next(self, message: Message) -> Message | None:
        if message.step == TOTAL_STEPS:
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


class BridgeProcess(Process):
    """A bridge on Kafka or, in batch mode, on PostgreSQL alone. `consumer` is its place in the group."""

    def __init__(self, name: str, servers: Servers, settings: Settings) -> None:
        super().__init__(name)
        database = Door(servers.postgres, self)
        kafka = Source(settings, servers.kafka, self) if settings.takes_from_kafka else None
        self.consumer = kafka.consumer if kafka else None
        redis = servers.redis
        broker = Broker(cast("Any", Publisher(redis)), cast("Any", Dispatcher(redis)), cast("Any", News(redis)))
        source = kafka or Batches(settings, database)
        self.bridge = Bridge(settings, database, source, servers.clock.monotonic, broker)
        self.spawn(self._run)

    def _run(self) -> None:
        try:
            while True:
                self.bridge.turn()
        except (LogReplacedError, KafkaException):
            self.dead = True  # and whoever keeps it running starts another


class Batches(BatchSource):
    """The source of batch mode; a poll is a wait like Kafka's."""

    def poll(self, seconds: float) -> None:
        park("poll")
        super().poll(0.0)


class RelayProcess(Process):
    """A relay, with a publisher that needs no librdkafka."""

    def __init__(self, name: str, servers: Servers, settings: Settings, stop: Any) -> None:
        super().__init__(name)
        self._clock = servers.clock
        relay = Relay(settings, cast("Any", Engine(servers.postgres, self)), stop)
        door = Door(servers.postgres, self)
        parts: dict[str, Any] = {
            "_database": door,
            "_sweep": Sweep(door, settings.kafka_topic, self._clock.monotonic),
            "_publisher": Producer(servers.kafka, settings.kafka_topic, settings.kafka_dead_letter_topic),
        }
        relay.__dict__.update(parts)
        self._relay = relay
        self.spawn(self._run)

    def _run(self) -> None:
        while True:
            self._clock.sleep(self._relay.step())


class Nothing:
    """What a web process counts and announces is nobody's business here."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: Any) -> None:
        return None


class WebProcess(Process):
    """One request."""

    def __init__(self, name: str, servers: Servers, user: UUID, thought: UUID, text: str) -> None:
        super().__init__(name)
        self._promise = servers.promise
        self.settings = KAFKA
        self.database = Door(servers.postgres, self)
        self.metrics = self.announcer = Nothing()
        self._wanted = (user, thought, text)
        self.spawn(self._run)

    def _run(self) -> None:
        try:
            acceptance.take_in(cast("Any", self), *self._wanted)
        except (SQLAlchemyError, acceptance.KeyReusedError, acceptance.DeletedError):
            return
        self._promise.answered(self._wanted[1])
