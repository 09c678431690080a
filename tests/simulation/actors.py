"""The bridges, relays and requests: the production code itself on the servers in memory."""

from typing import Any, Final, cast
from uuid import UUID

from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge.consumer.batch_source import BatchSource
from bridge.consumer.kafka_source import TopicRecreatedError
from bridge.consumer.loop import Bridge, RedisPorts
from bridge.consumer.source import Source
from bridge.relay.relay import Relay
from bridge.relay.sweep import Sweep
from contracts.settings import Settings, load_settings
from tests.simulation.clock import Clock
from tests.simulation.database import Door, Engine, Server
from tests.simulation.fibers import Process, park
from tests.simulation.group import Consumer, source
from tests.simulation.kafka import Kafka
from tests.simulation.producer import Producer
from tests.simulation.promise import Promise
from tests.simulation.redis import Dispatcher, Publisher, Redis, WakeupListener
from tests.simulation.steps import ATTEMPTS, PATIENCE
from webapp import submission

_STORES: Final = {
    "_env_file": None,
    "database_url": "postgresql://simulated",
    "redis_url": "redis://simulated",
    "kafka_bootstrap_servers": "simulated:1",
    "lease_seconds": PATIENCE,
    "kafka_max_retries": ATTEMPTS - 1,
}
KAFKA: Final = load_settings(**cast("dict[str, Any]", _STORES))
BATCH: Final = load_settings(**cast("dict[str, Any]", _STORES), kafka_mode=False)
WITHOUT: Final = load_settings(**cast("dict[str, Any]", _STORES), kafka_enabled=False)
"""The modes: on Kafka's records; in batches, with Kafka for what is told to others; and where there is no Kafka."""


class Servers:
    """What all processes share."""

    def __init__(self, clock: Clock, promise: Promise, postgres: Server, kafka: Kafka, redis: Redis) -> None:
        self.clock = clock
        self.promise = promise
        self.postgres = postgres
        self.kafka = kafka
        self.redis = redis
        self.tables = postgres.postgres.tables


class Stop:
    """The event that tells a process to end; to wait for it is to sleep."""

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
    """A bridge on Kafka or, in batch mode, on PostgreSQL alone. `consumer` is its place in the group."""

    def __init__(self, name: str, servers: Servers, settings: Settings) -> None:
        super().__init__(name, settings)
        self.consumer: Consumer | None = None
        self.stop = Stop(servers.clock)
        database = Door(servers.postgres, self)
        redis = servers.redis
        broker = RedisPorts(
            cast("Any", Publisher(redis)), cast("Any", Dispatcher(redis)), cast("Any", WakeupListener(redis))
        )
        self._bridge = Bridge(settings, database, self._source(servers, database), servers.clock.monotonic, broker)
        self.spawn(self._run)

    def _source(self, servers: Servers, database: Door) -> Source:
        if not self.settings.consumes_kafka:
            return Batches(self.settings, database)
        found = source(self.settings, servers.kafka, self)
        self.consumer = cast("Any", found)._consumer
        return found

    def _run(self) -> None:
        try:
            self._bridge.run(cast("Any", self.stop))
        except (TopicRecreatedError, KafkaException):
            return  # and whoever keeps it running starts another
        finally:
            self.dead = True


class Batches(BatchSource):
    """The source of batch mode; a poll is a wait like Kafka's."""

    def poll(self, seconds: float) -> None:
        park("poll")
        super().poll(0.0)


class RelayProcess(Process):
    """A relay, with a publisher that needs no librdkafka."""

    def __init__(self, name: str, servers: Servers, settings: Settings) -> None:
        super().__init__(name, settings)
        self.stop = Stop(servers.clock)
        relay = Relay(settings, cast("Any", Engine(servers.postgres, self)), cast("Any", self.stop))
        door = Door(servers.postgres, self)
        parts: dict[str, Any] = {
            "_database": door,
            "_sweep": Sweep(door, settings.kafka_topic, servers.clock.monotonic),
            "_publisher": Producer(servers.kafka, settings.kafka_topic, settings.kafka_dead_letter_topic),
        }
        relay.__dict__.update(parts)
        self._relay = relay
        if settings.kafka_enabled:
            self.spawn(self._run)

    def wake(self) -> None:
        """End its sleep, as a clock may that is not exact."""
        for fiber in self.fibers:
            if fiber.waits_for == "sleep":
                fiber.wake = 0.0

    def _run(self) -> None:
        self._relay.run()
        self.dead = True


class Nothing:
    """What a web process counts and announces is nobody's business here."""

    def __getattr__(self, _: str) -> Any:
        return self

    def __call__(self, *_: Any) -> None:
        return None


class WebProcess(Process):
    """One request."""

    def __init__(self, name: str, servers: Servers, settings: Settings, *wanted: Any) -> None:
        super().__init__(name, settings)
        self._promise = servers.promise
        self.database = Door(servers.postgres, self)
        self.metrics = self.background_publisher = Nothing()
        self._wanted: tuple[UUID, UUID, str] = wanted
        self.spawn(self._run)

    def _run(self) -> None:
        try:
            submission.submit(cast("Any", self), *self._wanted)
        except (SQLAlchemyError, submission.KeyReusedError, submission.ThoughtDeletedError):
            return
        self._promise.answered(self._wanted[1])
