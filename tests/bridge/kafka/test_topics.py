"""The topics are made once, with room for a dead letter's headers."""

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from bridge.kafka import topics as module
from bridge.kafka.topics import MAX_DEAD_LETTER_RECORD_BYTES, MAX_WORK_BATCH_BYTES, create_topics
from contracts.settings import Settings
from tests.conftest import is_led
from tests.eventually import eventually


def admin(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})


@pytest.mark.usefixtures("topics")
def test_the_three_topics_have_the_partitions_of_the_settings(settings: Settings) -> None:
    found = admin(settings).list_topics(timeout=10).topics
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    assert [len(found[name].partitions) for name in names] == [settings.kafka_partitions] * 3


def largest_of(settings: Settings, topic: str) -> int:
    client, resource = admin(settings), ConfigResource(ResourceType.TOPIC, topic)
    return int(client.describe_configs([resource])[resource].result(10)["max.message.bytes"].value)


@pytest.mark.usefixtures("topics")
def test_the_dead_letter_topic_takes_larger_records_than_the_work_topic(settings: Settings) -> None:
    assert largest_of(settings, settings.kafka_topic) == MAX_WORK_BATCH_BYTES
    assert largest_of(settings, settings.kafka_dead_letter_topic) == MAX_DEAD_LETTER_RECORD_BYTES


def test_a_topic_that_is_there_and_takes_other_sizes_is_named(
    settings: Settings, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    client = admin(settings)
    larger = NewTopic(settings.kafka_topic, 3, 1, config={"max.message.bytes": "10485760"})
    client.create_topics([larger])[settings.kafka_topic].result(30)
    eventually(lambda: is_led(client, settings.kafka_topic))
    request.getfixturevalue("topics")
    told = [line.message for line in caplog.records if line.levelname == "WARNING"]
    assert told == [
        f"Topic {settings.kafka_topic} has max.message.bytes=10485760 and should have {MAX_WORK_BATCH_BYTES}."
    ]
    client.delete_topics([settings.kafka_topic])[settings.kafka_topic].result(30)


@pytest.mark.usefixtures("topics")
def test_topics_that_are_as_they_should_be_are_not_spoken_of(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    create_topics(settings)
    assert [line.message for line in caplog.records if line.levelname == "WARNING"] == []


@pytest.mark.usefixtures("topics")
def test_topics_that_are_there_are_left_as_they_are(settings: Settings) -> None:
    assert create_topics(settings.model_copy(update={"kafka_partitions": 7})) == []
    found = admin(settings).list_topics(settings.kafka_topic, timeout=10).topics
    assert len(found[settings.kafka_topic].partitions) == settings.kafka_partitions


def test_kafka_away_is_an_error(kafka_away: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_TIMEOUT_SECONDS", 1)
    with pytest.raises(KafkaException):
        create_topics(kafka_away)
