"""The topics are made once, with room for a dead letter's headers."""

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from bridge import topics as module
from bridge.topics import DEAD_LETTER_RECORD_BYTES, create_topics
from contracts.settings import Settings


def admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})


@pytest.mark.usefixtures("topics")
def test_the_three_topics_have_the_partitions_of_the_settings(settings: Settings) -> None:
    found = admin(settings).list_topics(timeout=10).topics
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    assert [len(found[name].partitions) for name in names] == [settings.kafka_partitions] * 3


@pytest.mark.usefixtures("topics")
def test_the_dead_letter_topic_takes_larger_records(settings: Settings) -> None:
    resource = ConfigResource(ResourceType.TOPIC, settings.kafka_dead_letter_topic)
    client = admin(settings)
    config = client.describe_configs([resource])[resource].result(10)
    assert config["max.message.bytes"].value == str(DEAD_LETTER_RECORD_BYTES)


@pytest.mark.usefixtures("topics")
def test_topics_that_are_there_are_left_as_they_are(settings: Settings) -> None:
    assert create_topics(settings.model_copy(update={"kafka_partitions": 7})) == []
    found = admin(settings).list_topics(settings.kafka_topic, timeout=10).topics
    assert len(found[settings.kafka_topic].partitions) == settings.kafka_partitions


def test_kafka_away_is_an_error(kafka_away: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1)
    with pytest.raises(KafkaException):
        create_topics(kafka_away)
