"""Runs bridges in threads, each with its own connections."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from bridge.consumer.committer import LogReplacedError
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.loop import Bridge
from contracts.database import Database, make_engine
from contracts.settings import Settings
from tests.bridge.kafka_sources import fetch_commit
from tests.bridge.thoughts import COUNT_OPEN_THOUGHTS
from tests.eventually import eventually


@contextmanager
def running_bridge(settings: Settings) -> Iterator[None]:
    """Run a bridge until the end of the block."""
    with _in_thread(settings, lambda stop, database: Bridge(settings, database, KafkaSource(settings)).run(stop)):
        yield


@contextmanager
def restarting_bridge(settings: Settings) -> Iterator[None]:
    """Run a bridge and start it again whenever it ends, as a process manager does."""

    def run_repeatedly(stop: threading.Event, database: Database) -> None:
        while not stop.is_set():
            try:
                Bridge(settings, database, KafkaSource(settings)).run(stop)
            except (LogReplacedError, KafkaException):
                logging.getLogger("tests").exception("The bridge starts again.")

    with _in_thread(settings, run_repeatedly):
        yield


@contextmanager
def _in_thread(settings: Settings, body: Callable[[threading.Event, Database], object]) -> Iterator[None]:
    stop, engine = threading.Event(), make_engine(settings.database_url, "bridge")
    thread = threading.Thread(target=body, args=(stop, Database(engine)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        engine.dispose()


def wait_until_committed(settings: Settings, database: Database, records: int) -> None:
    """Wait until every thought is terminal and the committed offset of partition 0 equals `records`."""
    eventually(lambda: database.rows(COUNT_OPEN_THOUGHTS)[0][0] == 0, timeout=60)
    eventually(lambda: (fetch_commit(settings) or (0,))[0] == records, timeout=30)
