"""Fixtures: topics created by the project's own code, and a proxy to Kafka that refuses connections at first."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from bridge.kafka.topics import create_topics
from contracts.settings import Settings
from tests.conftest import has_leaders
from tests.eventually import eventually
from tests.tcp_proxy import TcpProxy


@pytest.fixture(autouse=True)
def _served_protocol(request: pytest.FixtureRequest) -> None:
    """Skip a test of the consumer protocol in a run with KAFKA_GROUP_PROTOCOL=classic: its Kafka may be before 4.0."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if parameters.get("protocol") == "consumer":
        settings: Settings = request.getfixturevalue("settings")
        if settings.kafka_group_protocol == "classic":
            pytest.skip("this run uses KAFKA_GROUP_PROTOCOL=classic")


@pytest.fixture
def topics(settings: Settings) -> Iterator[None]:
    """Create the three topics of `settings`, and delete them after the test."""
    created = create_topics(settings)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    eventually(lambda: all(has_leaders(admin, name) for name in created))
    yield
    for deletion in admin.delete_topics(created).values():
        deletion.result(30)


@pytest.fixture
def kafka_proxy(settings: Settings) -> Iterator[TcpProxy]:
    host, _, port = settings.kafka_bootstrap_servers.rpartition(":")
    proxy = TcpProxy(host, int(port), is_accepting=False)
    yield proxy
    proxy.close()


@pytest.fixture
def unavailable_kafka(settings: Settings, kafka_proxy: TcpProxy) -> Settings:
    """Return settings whose Kafka is reached through the proxy, which refuses connections until `accept`."""
    return settings.model_copy(update={"kafka_bootstrap_servers": kafka_proxy.address})
