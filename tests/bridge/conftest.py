"""Topics as the project itself makes them, and a proxy before Kafka that refuses connections at first."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.conftest import is_led
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy


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
def kafka_proxy(settings: Settings) -> Iterator[TcpProxy]:
    host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
    proxy = TcpProxy(host, int(port), is_accepting=False)
    yield proxy
    proxy.close()


@pytest.fixture
def kafka_away(settings: Settings, kafka_proxy: TcpProxy) -> Settings:
    """Settings whose Kafka is behind the proxy."""
    return settings.model_copy(update={"kafka_bootstrap_servers": kafka_proxy.address})
