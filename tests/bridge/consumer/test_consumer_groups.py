"""Tests partitions in a consumer group: paused while their lane is full, shared, revoked and lost."""

import json
from functools import partial

import pytest
from confluent_kafka import KafkaException, TopicPartition

from bridge.consumer import kafka_source
from bridge.consumer.consumer_config import consumer_config
from bridge.consumer.idle_warning import IDLE_SECONDS, IDLE_WARNING
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.window import Window
from bridge.kafka.config import POLL_CHUNK, POLL_MAX, POLL_MAX_BYTES
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import produce_compressed
from tests.bridge.kafka_sources import (
    answer_requests,
    assigned_partitions,
    close_below,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    poll_until,
    produce,
    read_until_held,
    topic_id,
    user_key,
)

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


def test_the_partition_of_a_lane_full_of_users_pauses_and_loses_no_record(settings: Settings) -> None:
    number = 2_000
    produce(settings, event_values(number))
    with open_source(settings) as source:
        poll_until(source, lambda: source._partitions.get(0) is not None and source._partitions[0].paused)
        limit = Window().users + POLL_MAX + 1
        for _ in range(20):
            source.poll(0.01)
            assert len(held_offsets(source)) <= limit
        read_offsets = set(held_offsets(source))

        def all_are_closed() -> bool:
            read_offsets.update(held_offsets(source))
            assert len(held_offsets(source)) <= limit
            answer_requests(lane_of(source))
            return lane_of(source).frontier == number

        poll_until(source, all_are_closed)
        assert read_offsets == set(range(number))
        source.poll(0.01)
        assert not source._partitions[0].paused


def test_the_partition_of_a_lane_full_of_bytes_pauses_and_loses_no_record(settings: Settings) -> None:
    number, (event,) = 60, event_values(1)
    large = json.dumps(json.loads(event) | {"unknown to us": "x" * 900_000}).encode()
    produce_compressed(settings, settings.kafka_topic, [large] * number, "zstd", key=user_key(event))
    with open_source(settings) as source:
        poll_until(source, lambda: 0 in source._partitions and source._partitions[0].paused)
        for _ in range(20):
            source.poll(0.01)
        assert len(held_offsets(source)) * len(large) < Window().bytes + POLL_MAX_BYTES + POLL_CHUNK * len(large)
        read_offsets = set(held_offsets(source))

        def all_are_closed() -> bool:
            read_offsets.update(held_offsets(source))
            answer_requests(lane_of(source))
            return lane_of(source).frontier == number

        poll_until(source, all_are_closed)
        assert read_offsets == set(range(number))


def holds(source: KafkaSource, partition: int, offsets: list[int]) -> bool:
    return held_offsets(source, partition) == offsets


def holds_many(source: KafkaSource, partition: int) -> bool:
    return len(held_offsets(source, partition)) >= Window().users


def test_two_consumers_share_the_partitions_and_read_no_done_record_again(settings: Settings) -> None:
    for partition in range(3):
        produce(settings, event_values(4, first=10 * partition), partition)
    with open_source(settings) as first:
        poll_until(first, lambda: all(len(held_offsets(first, partition)) == 4 for partition in range(3)))
        for partition in range(3):
            close_below(first, 3, partition)
        with open_source(settings) as second:
            poll_until(
                first,
                lambda: 0 < len(list(second.lanes())) < 3 and assigned_partitions(first, second) == {0, 1, 2},
                second,
            )
            for partition in second._partitions:
                poll_until(first, partial(holds, second, partition, [3]), second)
                assert fetch_commit(settings, partition) == (3, topic_id(settings))
            assert not set(first._partitions) & set(second._partitions)


def test_a_paused_partition_that_returns_is_read_from_its_commit(settings: Settings) -> None:
    for partition in range(3):
        produce(settings, event_values(300, first=1000 * partition), partition)
    with open_source(settings) as first:
        poll_until(
            first,
            lambda: (
                all(assigned.paused for assigned in first._partitions.values()) and len(assigned_partitions(first)) == 3
            ),
        )
        for partition in range(3):
            close_below(first, 5, partition)
        with open_source(settings) as second:
            poll_until(
                first,
                lambda: len(assigned_partitions(second)) > 0 and assigned_partitions(first, second) == {0, 1, 2},
                second,
            )
            moved = assigned_partitions(second)
        poll_until(first, lambda: assigned_partitions(first) == {0, 1, 2})
        for partition in moved:
            poll_until(first, partial(holds_many, first, partition))
            offsets = held_offsets(first, partition)
            assert offsets == list(range(5, 5 + len(offsets)))


def test_a_bridge_without_a_partition_logs_the_possible_reasons_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with open_source(settings) as first, open_source(settings) as second, open_source(settings) as third:
        sources = [first, second, third]
        poll_until(first, lambda: all(len(assigned_partitions(source)) == 1 for source in sources), second, third)
        with open_source(settings) as spare:
            for now in (0.0, IDLE_SECONDS / 2, IDLE_SECONDS, 2 * IDLE_SECONDS):
                for source in (*sources, spare):
                    source.commit(now)
    assert [line.message for line in caplog.records if line.levelname == "WARNING"] == [IDLE_WARNING]


@pytest.mark.parametrize(("protocol", "fenced"), [("consumer", 1), ("classic", 0)])
def test_a_permanently_fenced_consumer_raises(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, protocol: str, fenced: int
) -> None:
    settings = settings.model_copy(update={"kafka_group_protocol": protocol})
    monkeypatch.setattr(
        kafka_source,
        "consumer_config",
        lambda *arguments: {**consumer_config(*arguments), "group.instance.id": "the-same-instance"},
    )
    with open_source(settings) as first:
        poll_until(first, lambda: len(assigned_partitions(first)) == 3)
        with open_source(settings) as second:
            members = (first, second)
            with pytest.raises(KafkaException, match="_FATAL"):
                poll_until(members[fenced], lambda: False, members[1 - fenced])


def test_lost_partitions_are_not_committed(settings: Settings) -> None:
    produce(settings, event_values(3))
    source = KafkaSource(settings)
    read_until_held(source, 3)
    answer_requests(lane_of(source))
    source._on_lost(source._consumer, [TopicPartition(settings.kafka_topic, n) for n in list(source._partitions)])
    assert list(source.lanes()) == []
    source.commit(1e9)
    source.close()
    assert fetch_commit(settings) is None
