"""Tests of creating topics: they are created once, with room for a dead letter's headers."""

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from bridge.kafka import topics as topics_module
from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES, MAX_WORK_BATCH_BYTES
from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.conftest import has_leaders
from tests.eventually import eventually


def admin_client(settings: Settings) -> AdminClient:
    return AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})


@pytest.mark.usefixtures("topics")
def test_the_three_topics_have_the_configured_number_of_partitions(settings: Settings) -> None:
    topics = admin_client(settings).list_topics(timeout=10).topics
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    assert [len(topics[name].partitions) for name in names] == [settings.kafka_partitions] * 3


def max_message_bytes(settings: Settings, topic: str) -> int:
    client, resource = admin_client(settings), ConfigResource(ResourceType.TOPIC, topic)
    return int(client.describe_configs([resource])[resource].result(10)["max.message.bytes"].value)


@pytest.mark.usefixtures("topics")
def test_the_dead_letter_topic_accepts_larger_records_than_the_work_topic(settings: Settings) -> None:
    assert max_message_bytes(settings, settings.kafka_topic) == MAX_WORK_BATCH_BYTES
    assert max_message_bytes(settings, settings.kafka_dead_letter_topic) == MAX_DEAD_LETTER_RECORD_BYTES


def test_an_existing_topic_with_another_record_size_is_reported(
    settings: Settings, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    client = admin_client(settings)
    larger_topic = NewTopic(settings.kafka_topic, 3, 1, config={"max.message.bytes": "10485760"})
    client.create_topics([larger_topic])[settings.kafka_topic].result(30)
    eventually(lambda: has_leaders(client, settings.kafka_topic))
    request.getfixturevalue("topics")
    warnings = [line.message for line in caplog.records if line.levelname == "WARNING"]
    assert warnings == [
        f"Topic {settings.kafka_topic} has max.message.bytes=10485760; it should be {MAX_WORK_BATCH_BYTES}."
    ]
    client.delete_topics([settings.kafka_topic])[settings.kafka_topic].result(30)


@pytest.mark.usefixtures("topics")
def test_existing_topics_with_the_required_configuration_are_not_reported(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    create_topics(settings)
    assert [line.message for line in caplog.records if line.levelname == "WARNING"] == []


@pytest.mark.usefixtures("topics")
def test_existing_topics_are_not_changed(settings: Settings) -> None:
    assert create_topics(settings.model_copy(update={"kafka_partitions": 7})) == []
    topics = admin_client(settings).list_topics(settings.kafka_topic, timeout=10).topics
    assert len(topics[settings.kafka_topic].partitions) == settings.kafka_partitions


def test_creating_topics_fails_while_kafka_is_unavailable(
    unavailable_kafka: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics_module, "REQUEST_TIMEOUT_SECONDS", 1)
    with pytest.raises(KafkaException):
        create_topics(unavailable_kafka)
