"""What the watch over Kafka sees: a commit that came too early, also when nobody could find it a moment later."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.kafka_sources import produce
from tests.bridge.thoughts import add_thought, end, row
from tests.eventually import eventually
from tests.faults.topics import Watch

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


@pytest.fixture
def watch(settings: Settings) -> Iterator[Watch]:
    address = settings.database_url.replace("postgresql+psycopg2", "postgresql")
    own = (settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_consumer_group)
    with Watch(settings.kafka_bootstrap_servers, address, *own) as watch:
        yield watch


def commit(settings: Settings, offset: int) -> None:
    """As a bridge does."""
    bridge = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    bridge.commit(offsets=[TopicPartition(settings.kafka_topic, 0, offset)], asynchronous=False)
    bridge.close()


def rung(settings: Settings, database: Database, user_id: UUID) -> UUID:
    """A thought with its record."""
    thought = add_thought(database, user_id)
    produce(settings, [bytes(row(database, thought).event)])
    return thought


def test_a_thought_that_had_ended_before_its_offset_was_committed_passes(
    settings: Settings, database: Database, user_id: UUID, watch: Watch
) -> None:
    thought = rung(settings, database, user_id)
    eventually(lambda: watch.above == 1)
    end(database, thought)
    commit(settings, 1)
    eventually(lambda: watch.passed == {str(thought)})
    assert (watch.broken, watch.below, watch.above, watch.lives) == ([], 1, 0, True)


def test_an_offset_that_was_committed_before_its_thought_ended_is_found_afterwards(
    settings: Settings, database: Database, user_id: UUID, watch: Watch
) -> None:
    """The thought has ended when its record is looked up; but it had not when its offset was seen to be committed."""
    commit(settings, 1)
    eventually(lambda: watch._commits[0])
    thought = rung_and_ended(settings, database, user_id)
    eventually(lambda: watch.passed == {str(thought)})
    assert len(watch.broken) == 1


def rung_and_ended(settings: Settings, database: Database, user_id: UUID) -> UUID:
    """Over before anybody reads its record."""
    thought = add_thought(database, user_id)
    end(database, thought)
    produce(settings, [bytes(row(database, thought).event)])
    return thought


class Told:
    """A message as librdkafka hands it over: a record of the work topic, or an error."""

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


def test_an_error_of_kafka_ends_a_look_and_what_came_with_it_is_kept(settings: Settings) -> None:
    """Told to nobody, it would leave the watch blind: what is below it looks as if it were not there."""
    watch = Watch(settings.kafka_bootstrap_servers, settings.database_url, settings.kafka_topic)
    broken = Told(settings.kafka_topic, KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    with pytest.raises(KafkaException):
        watch._read(cast("Any", [broken, Told(settings.kafka_topic)]))
    assert watch.above == 1
    watch._consumer.close()
