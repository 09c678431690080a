"""Two installations in one consumer group: the later one is refused, and of two at the same time one leaves."""

import logging
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from math import inf
from uuid import UUID

import pytest
from confluent_kafka.admin import AdminClient

from bridge.consumer.group_watch import (
    CHECK_INTERVAL_SECONDS,
    GroupWatch,
    SharedGroupError,
    check_group,
    other_installations,
)
from bridge.consumer.kafka_source import KafkaSource
from contracts.settings import Settings
from tests.bridge.kafka_sources import assigned_partitions, poll_until

pytestmark = pytest.mark.usefixtures("topics")

LOWER, HIGHER = str(UUID(int=1)), str(UUID(int=2**128 - 1))


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@contextmanager
def member(settings: Settings, installation_id: str) -> Iterator[KafkaSource]:
    """A bridge of an installation that has joined the group."""
    source = KafkaSource(settings, installation_id)
    try:
        poll_until(source, lambda: len(assigned_partitions(source)) == settings.kafka_partitions)
        yield source
    finally:
        source.close()


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
@pytest.mark.parametrize(("first", "later"), [(LOWER, HIGHER), (HIGHER, LOWER)])
def test_a_bridge_refuses_to_join_the_group_of_another_installation(
    settings: Settings, protocol: str, first: str, later: str
) -> None:
    settings = settings.model_copy(update={"kafka_group_protocol": protocol})
    with member(settings, first):
        with pytest.raises(SharedGroupError, match=f"^KAFKA_CONSUMER_GROUP: .*{first}") as refused:
            KafkaSource(settings, later)
        assert "\n" not in str(refused.value)
        other_group = settings.model_copy(update={"kafka_consumer_group": f"{settings.kafka_consumer_group}-own"})
        check_group(other_group, later)
        check_group(settings, first)
    check_group(settings, later)


def test_bridges_of_an_earlier_release_are_of_no_other_installation(settings: Settings) -> None:
    with member(settings, ""):
        check_group(settings, HIGHER)


def test_of_two_installations_that_joined_together_the_higher_id_leaves(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The members of both are there before either looks, as after a start at the same moment."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    stays, leaves = (GroupWatch(admin, settings.kafka_consumer_group, name) for name in (LOWER, HIGHER))
    with member(settings, HIGHER) as higher, caplog.at_level(logging.ERROR):
        check_again(stays)
        assert f"another installation ({HIGHER})" in caplog.text
        assert "KAFKA_CONSUMER_GROUP" in caplog.text
        higher.commit(inf)
    with member(settings, LOWER), pytest.raises(SharedGroupError, match=LOWER):
        check_again(leaves)


times: dict[GroupWatch, float] = {}


def check_again(watch: GroupWatch) -> None:
    """Check as a bridge does after the interval, when Kafka has answered."""
    times[watch] = times.get(watch, 0.0) + CHECK_INTERVAL_SECONDS
    watch.check_when_due(times[watch])
    if watch._request is not None:
        wait([watch._request], timeout=30)
        watch.check_when_due(times[watch])


def test_nothing_is_raised_while_kafka_is_unavailable(unavailable_kafka: Settings) -> None:
    check_group(unavailable_kafka, LOWER)


def test_only_bridges_that_name_another_installation_count() -> None:
    client_ids = ["bridge", "rdkafka", f"bridge-{LOWER}", f"bridge-{HIGHER}", "bridge-b", f"my-bridge-{HIGHER[:-1]}0"]
    assert other_installations(client_ids, LOWER) == [HIGHER]
