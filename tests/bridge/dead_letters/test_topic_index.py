"""What a reading of the dead letter topic knows and misses while another producer's transaction is open there."""

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.dead_letters.topic_index import TopicIndex, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database
from contracts.settings import Settings
from tests.bridge.audit.audit_runs import letter
from tests.bridge.dead_letter_rows import buried, published
from tests.bridge.kafka_sources import a_transaction
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def overrides() -> dict[str, Any]:
    return {"kafka_partitions": 1}


@pytest.fixture
def in_topic(settings: Settings) -> Iterator[TopicIndex]:
    log = TopicReader(settings, "test")
    yield TopicIndex(log, settings.kafka_dead_letter_topic)
    log.close()


def missed(in_topic: TopicIndex, database: Database) -> list[str]:
    """What a new look misses."""
    letters = list(expected_in_topic(database))
    in_topic.read()
    return [one.failure_id for one in letters if in_topic.is_missing(one)]


def test_what_a_transaction_withholds_is_not_missed_and_is_known_when_it_has_ended(
    settings: Settings, database: Database, in_topic: TopicIndex
) -> None:
    before = buried(database, settings, b"?", offset=1)
    published(settings, database)
    with a_transaction(settings) as producer:
        producer.produce(settings.kafka_dead_letter_topic, b"no dead letter", partition=0)
        assert producer.flush(20) == 0
        behind = buried(database, settings, b"?", offset=2)
        published(settings, database)
        assert missed(in_topic, database) == []
        assert set(in_topic.positions) == {before}
        producer.abort_transaction(20)
    eventually(lambda: missed(in_topic, database) == [] and set(in_topic.positions) == {before, behind})


def test_what_is_not_there_is_missed_also_while_a_transaction_is_open(
    settings: Settings, database: Database, in_topic: TopicIndex
) -> None:
    buried(database, settings, b"?")
    published(settings, database)
    letter(database, None, "a: at the place of another", partition=0, offset=0)
    letter(database, None, "b: behind the end of the log", partition=0, offset=2)
    letter(database, None, "c: never acknowledged")
    with a_transaction(settings) as producer:
        producer.produce(settings.kafka_dead_letter_topic, b"no dead letter", partition=0)
        assert producer.flush(20) == 0
        names = [name.split(":")[0] for name in missed(in_topic, database)]
        producer.abort_transaction(20)
    assert names == ["a", "b", "c"]
