"""Records of another installation in the topic: the bridge neither accepts nor dead-letters them, and goes on."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from bridge.consumer.kafka_source import KafkaSource
from contracts.foreign_items import INSTALLATION_HEADER
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    answer_requests,
    assert_commits,
    event_values,
    held_offsets,
    lane_of,
    poll_until,
    user_key,
)

pytestmark = pytest.mark.usefixtures("topics")

OWN, OTHER = str(uuid4()), str(uuid4())


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@contextmanager
def open_source(settings: Settings, installation_id: str) -> Iterator[KafkaSource]:
    source = KafkaSource(settings, installation_id)
    try:
        yield source
    finally:
        source.close()


def produce(settings: Settings, senders: Sequence[str | None], turn: bool = True) -> None:
    """Write one record for each sender to partition 0, with a turn as a relay does; None for a record without one."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for value, sender in zip(event_values(len(senders)), senders, strict=True):
        headers: list[tuple[str, str | bytes | None]] = [("turn", b"1")] if turn else []
        headers += [(INSTALLATION_HEADER, sender.encode())] if sender is not None else []
        producer.produce(settings.kafka_topic, value, user_key(value), 0, headers=headers)
    assert producer.flush(30) == 0


@pytest.mark.parametrize(
    ("senders", "held"),
    [
        ([OWN, OTHER, OWN], [0, 2]),
        ([OTHER, OTHER, None], [2]),
        ([None, OWN, OTHER], [0, 1]),
        ([OWN, "", OTHER], [0, 1]),
        ([OWN, OTHER[:-1] + "\xff", OWN], [0, 2]),
    ],
)
def test_only_records_of_this_installation_and_of_nobody_are_held(
    settings: Settings, senders: list[str | None], held: list[int]
) -> None:
    produce(settings, senders)
    with open_source(settings, OWN) as source:
        poll_until(source, lambda: bool(source._partitions) and lane_of(source).next_offset == 3)
        assert held_offsets(source) == held
        assert lane_of(source).next_ingest(0.0) is None
        answer_requests(lane_of(source))
        assert_commits(source, settings, 3)


def test_the_frontier_stays_at_an_own_record_below_records_of_another_installation(settings: Settings) -> None:
    produce(settings, [OTHER, OWN, OTHER, OTHER])
    with open_source(settings, OWN) as source:
        poll_until(source, lambda: bool(source._partitions) and lane_of(source).next_offset == 4)
        assert_commits(source, settings, 1)


def test_an_unreadable_record_of_another_installation_is_no_dead_letter(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for sender in (OTHER, OWN):
        producer.produce(settings.kafka_topic, b"no event", b"key", 0, headers=[(INSTALLATION_HEADER, sender.encode())])
    assert producer.flush(30) == 0
    with open_source(settings, OWN) as source:
        poll_until(source, lambda: bool(source._partitions) and lane_of(source).next_offset == 2)
        item = lane_of(source).next_ingest(0.0)
        assert item is not None
        assert item.record.offset == 1
        assert INSTALLATION_HEADER not in dict(item.record.raw.headers), "the sender is no part of the original record"


def test_the_bridge_logs_once_that_another_installation_writes_to_its_topic(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, [OTHER, OTHER, OTHER])
    with caplog.at_level(logging.ERROR), open_source(settings, OWN) as source:
        poll_until(source, lambda: bool(source._partitions) and lane_of(source).next_offset == 3)
        assert source._foreign.count == 3
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("ALARM: another installation writes to the topic of this one: 1 records so far")
    assert OTHER in line
    assert "KAFKA_TOPIC" in line
