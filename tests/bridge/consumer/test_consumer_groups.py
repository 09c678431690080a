"""The consumer and its partitions: at rest while a lane is full, shared with others, given back and lost."""

import json
from functools import partial

import pytest
from confluent_kafka import KafkaException, TopicPartition

from bridge.consumer import kafka_source
from bridge.consumer.idle_warning import IDLE_SECONDS, IDLE_WARNING
from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.lane import Window
from bridge.kafka.config import POLL_CHUNK, POLL_MAX, POLL_MAX_BYTES
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import produce_packed
from tests.bridge.kafka_sources import (
    a_source,
    answer,
    close_up_to,
    committed,
    held,
    lane,
    poll_until,
    produce,
    read_all,
    shared,
    topic_id,
    user_key,
    values,
)

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # only the tests of dead letters ask PostgreSQL


def test_a_full_lane_rests_until_it_has_room_and_loses_nothing(settings: Settings) -> None:
    number = 2_000
    produce(settings, values(number))
    with a_source(settings) as source:
        poll_until(source, lambda: source._partitions.get(0) is not None and source._partitions[0].paused)
        most = Window().users + POLL_MAX + 1
        for _ in range(20):
            source.poll(0.01)
            assert len(held(source)) <= most
        seen = set(held(source))

        def goes_on() -> bool:
            seen.update(held(source))
            assert len(held(source)) <= most
            answer(lane(source))
            return lane(source).frontier == number

        poll_until(source, goes_on)
        assert seen == set(range(number))
        source.poll(0.01)
        assert not source._partitions[0].paused


def test_a_lane_that_is_full_of_bytes_rests_until_it_has_room_and_loses_nothing(settings: Settings) -> None:
    number, (event,) = 60, values(1)
    large = json.dumps(json.loads(event) | {"unknown to us": "x" * 900_000}).encode()
    produce_packed(settings, settings.kafka_topic, [large] * number, "zstd", key=user_key(event))
    with a_source(settings) as source:
        poll_until(source, lambda: 0 in source._partitions and source._partitions[0].paused)
        for _ in range(20):
            source.poll(0.01)
        assert len(held(source)) * len(large) < Window().bytes + POLL_MAX_BYTES + POLL_CHUNK * len(large)
        seen = set(held(source))

        def goes_on() -> bool:
            seen.update(held(source))
            answer(lane(source))
            return lane(source).frontier == number

        poll_until(source, goes_on)
        assert seen == set(range(number))


def holds(source: KafkaSource, partition: int, offsets: list[int]) -> bool:
    return held(source, partition) == offsets


def holds_many(source: KafkaSource, partition: int) -> bool:
    return len(held(source, partition)) >= Window().users


def test_two_consumers_share_the_partitions_and_what_is_done_is_not_read_again(settings: Settings) -> None:
    for partition in range(3):
        produce(settings, values(4, first=10 * partition), partition)
    with a_source(settings) as first:
        poll_until(first, lambda: all(len(held(first, partition)) == 4 for partition in range(3)))
        for partition in range(3):
            close_up_to(first, 3, partition)
        with a_source(settings) as second:
            poll_until(first, lambda: 0 < len(list(second.lanes())) < 3 and shared(first, second) == {0, 1, 2}, second)
            for partition in second._partitions:
                poll_until(first, partial(holds, second, partition, [3]), second)
                assert committed(settings, partition) == (3, topic_id(settings))
            assert not set(first._partitions) & set(second._partitions)


def test_a_partition_that_rested_and_comes_back_is_read_again_from_its_commit(settings: Settings) -> None:
    for partition in range(3):
        produce(settings, values(300, first=1000 * partition), partition)
    with a_source(settings) as first:
        poll_until(
            first, lambda: all(assigned.paused for assigned in first._partitions.values()) and len(shared(first)) == 3
        )
        for partition in range(3):
            close_up_to(first, 5, partition)
        with a_source(settings) as second:
            poll_until(first, lambda: len(shared(second)) > 0 and shared(first, second) == {0, 1, 2}, second)
            moved = shared(second)
        poll_until(first, lambda: shared(first) == {0, 1, 2})
        for partition in moved:
            poll_until(first, partial(holds_many, first, partition))
            offsets = held(first, partition)
            assert offsets == list(range(5, 5 + len(offsets)))


def test_a_spare_bridge_says_why_it_may_have_no_partition(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with a_source(settings) as first, a_source(settings) as second, a_source(settings) as third:
        everybody = [first, second, third]
        poll_until(first, lambda: all(len(shared(one)) == 1 for one in everybody), second, third)
        with a_source(settings) as spare:
            for now in (0.0, IDLE_SECONDS / 2, IDLE_SECONDS, 2 * IDLE_SECONDS):
                for one in (*everybody, spare):
                    one.commit(now)
    assert [line.message for line in caplog.records if line.levelname == "WARNING"] == [IDLE_WARNING]


@pytest.mark.parametrize(("protocol", "fenced"), [("consumer", 1), ("classic", 0)])
def test_a_consumer_that_the_group_shut_out_for_good_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, protocol: str, fenced: int
) -> None:
    settings = settings.model_copy(update={"kafka_group_protocol": protocol})
    usual = kafka_source._consumer_config
    monkeypatch.setattr(
        kafka_source, "_consumer_config", lambda *given: {**usual(*given), "group.instance.id": "the one"}
    )
    with a_source(settings) as first:
        poll_until(first, lambda: len(shared(first)) == 3)
        with a_source(settings) as second:
            both = (first, second)
            with pytest.raises(KafkaException, match="_FATAL"):
                poll_until(both[fenced], lambda: False, both[1 - fenced])


def test_nothing_is_committed_for_partitions_that_were_lost(settings: Settings) -> None:
    produce(settings, values(3))
    source = KafkaSource(settings)
    read_all(source, 3)
    answer(lane(source))
    source._on_lost(source._consumer, [TopicPartition(settings.kafka_topic, n) for n in list(source._partitions)])
    assert list(source.lanes()) == []
    source.commit(1e9)
    source.close()
    assert committed(settings) is None
