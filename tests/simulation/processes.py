"""The bridges, relays and web requests: production code on the simulated servers."""

from typing import Any, Final, cast
from uuid import UUID

from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.batch_source import BatchSource
from bridge.consumer.committer import LogReplacedError
from bridge.consumer.loop import Bridge, RedisPorts
from bridge.consumer.source import Source
from bridge.relay.relay import Relay
from bridge.relay.sweep import Sweep
from contracts.settings import Settings, load_settings
from tasks.admission.state_store import LocalStates
from tests.simulation.clock import Clock
from tests.simulation.consumer_group import Consumer, make_source
from tests.simulation.database import PostgresServer, SimulatedDatabase, SimulatedEngine
from tests.simulation.fibers import Process, park
from tests.simulation.invariant_checks import InvariantChecks
from tests.simulation.kafka import Kafka
from tests.simulation.producer import SimulatedProducer
from tests.simulation.redis import Redis, SimulatedDispatcher, SimulatedProgress, SimulatedSlots, SimulatedWakeups
from tests.simulation.step_checks import LEASE_SECONDS, MAX_CALLS
from webapp import submission

_SETTINGS: Final = {
    "_env_file": None,
    "database_url": "postgresql://simulated",
    "redis_url": "redis://simulated",
    "kafka_bootstrap_servers": "simulated:1",
    "lease_seconds": LEASE_SECONDS,
    "kafka_max_retries": MAX_CALLS - 1,
}
KAFKA_MODE: Final = load_settings(**cast("dict[str, Any]", _SETTINGS))
BATCH_MODE: Final = load_settings(**cast("dict[str, Any]", _SETTINGS), kafka_mode=False)
WITHOUT_KAFKA: Final = load_settings(**cast("dict[str, Any]", _SETTINGS), kafka_enabled=False)
"""The three modes: consume Kafka's records; run batches and publish events to Kafka; run batches without Kafka."""


class Servers:
    """The servers, the clock and the checks, which all processes share."""

    def __init__(
        self, clock: Clock, checks: InvariantChecks, postgres_server: PostgresServer, kafka: Kafka, redis: Redis
    ) -> None:
        self.clock = clock
        self.checks = checks
        self.postgres_server = postgres_server
        self.kafka = kafka
        self.redis = redis
        self.tables = postgres_server.postgres.tables
        self.model_states = LocalStates(clock.monotonic)
        """Shared by all workers, as in Redis. Losing them costs nothing, so that is not simulated."""
        self.is_model_down = False


class StopEvent:
    """The event that tells a process to stop. Waiting for it sleeps for the whole time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        self._clock.sleep(seconds)
        return self._is_set


class BridgeProcess(Process):
    """A bridge on Kafka or, in batch mode, on PostgreSQL alone. `consumer` is its member of the group."""

    def __init__(self, name: str, servers: Servers, settings: Settings) -> None:
        super().__init__(name, settings)
        self.consumer: Consumer | None = None
        self.stop_event = StopEvent(servers.clock)
        database = SimulatedDatabase(servers.postgres_server, self)
        redis = servers.redis
        redis_ports = RedisPorts(
            cast("Any", SimulatedProgress(redis)),
            cast("Any", SimulatedDispatcher(redis)),
            cast("Any", SimulatedWakeups(redis)),
            cast("Any", SimulatedSlots(redis)),
        )
        self._bridge = Bridge(settings, database, self._source(servers, database), servers.clock.monotonic, redis_ports)
        self.spawn(self._run)

    def _source(self, servers: Servers, database: SimulatedDatabase) -> Source:
        if not self.settings.consumes_kafka:
            return SimulatedBatchSource(self.settings, database)
        source = make_source(self.settings, servers.kafka, self)
        self.consumer = cast("Any", source)._consumer
        return source

    def _run(self) -> None:
        try:
            self._bridge.run(cast("Any", self.stop_event))
        except (LogReplacedError, KafkaException):
            return  # the supervisor starts another bridge
        finally:
            self.is_dead = True


class SimulatedBatchSource(BatchSource):
    """The source of batch mode, which parks at each poll as the Kafka source does."""

    def poll(self, seconds: float) -> None:
        park("poll")
        super().poll(0.0)


class RelayProcess(Process):
    """A relay with a simulated producer."""

    def __init__(self, name: str, servers: Servers, settings: Settings) -> None:
        super().__init__(name, settings)
        self.stop_event = StopEvent(servers.clock)
        engine = SimulatedEngine(servers.postgres_server, self)
        relay = Relay(settings, cast("Any", engine), cast("Any", self.stop_event))
        database = SimulatedDatabase(servers.postgres_server, self)
        relay._database = database
        relay._sweep = Sweep(database, settings.kafka_topic, servers.clock.monotonic)
        relay._producer = cast(
            "Any", SimulatedProducer(servers.kafka, settings.kafka_topic, settings.kafka_dead_letter_topic)
        )
        self._relay = relay
        if settings.kafka_enabled:
            self.spawn(self._run)

    def wake_early(self) -> None:
        """End its sleep now, as an inexact clock may."""
        for fiber in self.fibers:
            if fiber.waits_for == "sleep":
                fiber.wake_at = 0.0

    def _run(self) -> None:
        self._relay.run()
        self.is_dead = True


class NullObject:
    """The metrics and the background publisher of a web process, which the simulation ignores."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: Any) -> None:
        return None


class WebRequest(Process):
    """A request that submits a thought. It is also the `Services` object that `submission.submit` needs."""

    def __init__(self, name: str, servers: Servers, settings: Settings, user: UUID, thought: UUID, text: str) -> None:
        super().__init__(name, settings)
        self._checks = servers.checks
        self.database = SimulatedDatabase(servers.postgres_server, self)
        self.metrics = self.background_publisher = NullObject()
        self._submission = (user, thought, text)
        self.spawn(self._run)

    def _run(self) -> None:
        try:
            submission.submit(cast("Any", self), *self._submission)
        except (SQLAlchemyError, submission.KeyReusedError, submission.ThoughtDeletedError):
            return
        self._checks.thought_acknowledged(self._submission[1])
