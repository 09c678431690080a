"""Bridges at work in threads, with connections of their own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from bridge.consumer.kafka_source import KafkaSource, TopicRecreatedError
from bridge.consumer.loop import Bridge
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.bridge.kafka_sources import committed
from tests.bridge.thoughts import OPEN
from tests.eventually import eventually


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    """A bridge at work."""
    with _beside(settings, lambda stop, database: Bridge(settings, database, KafkaSource(settings)).run(stop)):
        yield


@contextmanager
def kept_running(settings: Settings) -> Iterator[None]:
    """A bridge that is started again when it ends, as whoever keeps processes does."""

    def keep(stop: threading.Event, database: Database) -> None:
        while not stop.is_set():
            try:
                Bridge(settings, database, KafkaSource(settings)).run(stop)
            except (TopicRecreatedError, KafkaException):
                logging.getLogger("tests").exception("The bridge starts again.")

    with _beside(settings, keep):
        yield


@contextmanager
def _beside(settings: Settings, body: Callable[[threading.Event, Database], object]) -> Iterator[None]:
    stop, engine = threading.Event(), make_engine(settings.database_url, "bridge")
    thread = threading.Thread(target=body, args=(stop, Database(engine)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        engine.dispose()


def all_ended(settings: Settings, database: Database, records: int) -> None:
    """Every thought is terminal, and Kafka knows."""
    eventually(lambda: database.rows(OPEN)[0][0] == 0, timeout=60)
    eventually(lambda: (committed(settings) or (0,))[0] == records, timeout=30)
