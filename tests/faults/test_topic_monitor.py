"""The topic monitor detects an offset that was committed too early, even if its thought ends soon afterwards."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.kafka_sources import produce
from tests.bridge.thoughts import add_thought, finish_thought, thought_row
from tests.eventually import eventually
from tests.faults.topic_monitor import TopicMonitor

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


@pytest.fixture
def monitor(settings: Settings) -> Iterator[TopicMonitor]:
    database_url = settings.database_url.replace("postgresql+psycopg2", "postgresql")
    names = (settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_consumer_group)
    with TopicMonitor(settings.kafka_bootstrap_servers, database_url, *names) as monitor:
        yield monitor


def commit(settings: Settings, offset: int) -> None:
    """Commit an offset as a bridge does."""
    bridge = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    bridge.commit(offsets=[TopicPartition(settings.kafka_topic, 0, offset)], asynchronous=False)
    bridge.close()


def add_open_thought(settings: Settings, database: Database, user_id: UUID) -> UUID:
    """Add a thought, and produce its record."""
    thought = add_thought(database, user_id)
    produce(settings, [bytes(thought_row(database, thought).event)])
    return thought


def add_finished_thought(settings: Settings, database: Database, user_id: UUID) -> UUID:
    """Add a thought, finish it, and produce its record."""
    thought = add_thought(database, user_id)
    finish_thought(database, thought)
    produce(settings, [bytes(thought_row(database, thought).event)])
    return thought


def test_a_commit_after_the_end_of_its_thought_is_no_violation(
    settings: Settings, database: Database, user_id: UUID, monitor: TopicMonitor
) -> None:
    thought = add_open_thought(settings, database, user_id)
    eventually(lambda: monitor.uncommitted == 1)
    finish_thought(database, thought)
    commit(settings, 1)
    eventually(lambda: monitor.committed == {str(thought)})
    assert (monitor.violations, monitor.verified, monitor.uncommitted, monitor.is_running) == ([], 1, 0, True)


def test_a_commit_before_the_end_of_its_thought_is_a_violation(
    settings: Settings, database: Database, user_id: UUID, monitor: TopicMonitor
) -> None:
    """The thought has ended when its record is verified, but not when its offset was first seen committed."""
    commit(settings, 1)
    eventually(lambda: monitor._commits[0])
    thought = add_finished_thought(settings, database, user_id)
    eventually(lambda: monitor.committed == {str(thought)})
    assert len(monitor.violations) == 1


class FakeMessage:
    """A message with librdkafka's accessors: a record of the work topic, or an error."""

    def __init__(self, topic: str, error: KafkaError | None = None) -> None:
        self.topic = lambda: topic
        self.error = lambda: error

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 3

    def value(self) -> bytes:
        return b'{"thought_id": "one"}'

    def headers(self) -> list[tuple[str, bytes]]:
        return [("turn", b"1")]


def test_an_error_of_kafka_interrupts_a_poll_and_keeps_the_records_that_arrived_with_it(settings: Settings) -> None:
    """An ignored error would hide missing records."""
    monitor = TopicMonitor(settings.kafka_bootstrap_servers, settings.database_url, settings.kafka_topic)
    error = FakeMessage(settings.kafka_topic, KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    with pytest.raises(KafkaException):
        monitor._read(cast("Any", [error, FakeMessage(settings.kafka_topic)]))
    assert monitor.uncommitted == 1
    monitor._consumer.close()
