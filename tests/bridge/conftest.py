"""Topics as the project itself makes them, and a door before Kafka that starts shut."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.topics import create_topics
from contracts.settings import Settings
from tests.bridge.valve import Valve
from tests.conftest import is_led
from tests.eventually import eventually


@pytest.fixture
def theirs() -> dict[str, str] | None:
    """The configuration of a work topic that somebody else made before; None where nobody did."""
    return None


@pytest.fixture
def topics(settings: Settings, theirs: dict[str, str] | None) -> Iterator[None]:
    """The three topics of `settings` for the time of the test."""
    names = [settings.kafka_topic, settings.kafka_dead_letter_topic, settings.kafka_events_topic]
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    if theirs is not None:
        topic = NewTopic(settings.kafka_topic, settings.kafka_partitions, 1, config=theirs)
        admin.create_topics([topic])[settings.kafka_topic].result(30)
    create_topics(settings)
    eventually(lambda: all(is_led(admin, name) for name in names))
    yield
    for gone in admin.delete_topics(names).values():
        gone.result(30)


@pytest.fixture
def door(settings: Settings) -> Iterator[Valve]:
    host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
    door = Valve(int(port), host, is_open=False)
    yield door
    door.shut()


@pytest.fixture
def kafka_away(settings: Settings, door: Valve) -> Settings:
    """Settings whose Kafka is behind the door."""
    return settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{door.port}"})
