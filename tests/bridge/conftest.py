"""Topics as the project itself makes them, and a door before Kafka that starts shut."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.bridge.tcp_proxy import Valve
from tests.conftest import is_led
from tests.eventually import eventually


@pytest.fixture
def topics(settings: Settings) -> Iterator[None]:
    """The three topics of `settings` for the time of the test."""
    made = create_topics(settings)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    eventually(lambda: all(is_led(admin, name) for name in made))
    yield
    for gone in admin.delete_topics(made).values():
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
