"""The topic index while an external producer's transaction is open in the dead letter topic."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.dead_letters.topic_index import TopicContents, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import add_dead_letter
from tests.bridge.dead_letter_rows import add_record_dead_letter, publish_dead_letters
from tests.bridge.kafka_sources import open_transaction
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


@pytest.fixture
def topic_index(settings: Settings) -> Iterator[TopicContents]:
    reader = TopicReader(settings, "test")
    yield TopicContents(reader, settings.kafka_dead_letter_topic)
    reader.close()


def read_missing(topic_index: TopicContents, database: Database) -> list[str]:
    """Read the topic, and return the failure ids that it lacks."""
    letters = list(expected_in_topic(database))
    topic_index.read()
    return [letter.failure_id for letter in letters if topic_index.is_missing(letter)]


def test_a_withheld_dead_letter_is_not_missing_and_is_found_after_the_transaction(
    settings: Settings, database: Database, topic_index: TopicContents
) -> None:
    before = add_record_dead_letter(database, settings, b"?", offset=1)
    publish_dead_letters(settings, database)
    with open_transaction(settings) as producer:
        producer.produce(settings.kafka_dead_letter_topic, b"no dead letter", partition=0)
        assert producer.flush(20) == 0
        withheld = add_record_dead_letter(database, settings, b"?", offset=2)
        publish_dead_letters(settings, database)
        assert read_missing(topic_index, database) == []
        assert set(topic_index.positions) == {before}
        producer.abort_transaction(20)
    eventually(lambda: read_missing(topic_index, database) == [] and set(topic_index.positions) == {before, withheld})


def test_a_lost_dead_letter_is_missing_also_while_a_transaction_is_open(
    settings: Settings, database: Database, topic_index: TopicContents
) -> None:
    add_record_dead_letter(database, settings, b"?")
    publish_dead_letters(settings, database)
    add_dead_letter(database, None, "a: at the position of another", partition=0, offset=0)
    add_dead_letter(database, None, "b: after the end of the log", partition=0, offset=2)
    add_dead_letter(database, None, "c: never acknowledged")
    with open_transaction(settings) as producer:
        producer.produce(settings.kafka_dead_letter_topic, b"no dead letter", partition=0)
        assert producer.flush(20) == 0
        missing = [failure_id.split(":")[0] for failure_id in read_missing(topic_index, database)]
        producer.abort_transaction(20)
    assert missing == ["a", "b", "c"]
