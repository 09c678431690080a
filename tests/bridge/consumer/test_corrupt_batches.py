"""Tests records that Kafka's client cannot decode: each is dead-lettered, and the records behind it are read."""

import pytest

from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.protocol import DeadLetterRecord
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import ALWAYS, corrupting_proxy, produce_compressed
from tests.bridge.kafka_sources import (
    answer_requests,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    poll_until,
    produce,
    topic_id,
)
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

DECOMPRESSED_BYTES = 101_000_000
"""More than librdkafka decompresses (100 MB). Equal bytes of this number compress to about 3,000."""


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


def queued_dead_letters(source: KafkaSource) -> list[tuple[int, str]]:
    """Return the offset and the error kind of each dead letter in the ingest queue."""
    return [
        (item.record.offset, item.record.raw.error_kind)
        for item in lane_of(source)._ingest_queue
        if isinstance(item, DeadLetterRecord)
    ]


def dead_letter_all(source: KafkaSource) -> None:
    while item := lane_of(source).next_ingest(0.0):
        lane_of(source).dead_lettered(item.record)


def test_a_batch_that_does_not_decompress_is_dead_lettered_and_the_next_record_is_read(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, event_values(1))
    produce_compressed(settings, settings.kafka_topic, [b"0" * DECOMPRESSED_BYTES], "zstd")
    produce(settings, event_values(1, first=1))
    with open_source(settings) as source:
        poll_until(source, lambda: held_offsets(source) == [0, 2])
        assert queued_dead_letters(source) == [(1, "Undecodable")]
        dead_letter_all(source)
        answer_requests(lane_of(source))
    assert fetch_commit(settings) == (3, topic_id(settings))
    (alarm,) = [line.message for line in caplog.records if line.message.startswith("ALARM")]
    assert alarm.startswith(
        "ALARM: partition 0 offset 1 cannot be decoded, and is dead-lettered without its bytes: Decompression"
    )


def test_each_record_of_a_corrupt_batch_is_dead_lettered_though_the_error_names_only_the_first(
    settings: Settings,
) -> None:
    produce(settings, event_values(1))
    produce_compressed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    produce(settings, event_values(1, first=1))
    with corrupting_proxy(settings) as proxy, open_source(proxy.settings) as source:
        poll_until(source, lambda: held_offsets(source) == [0, 4])
        assert queued_dead_letters(source) == [(offset, "Undecodable") for offset in (1, 2, 3)]
        (origin, *_) = [item.record.origin for item in lane_of(source)._ingest_queue]
    expected = {"topic": settings.kafka_topic, "partition": 0, "offset": 1}
    assert origin == expected | {"timestamp": None, "topic_id": topic_id(settings)}


def test_a_batch_that_was_corrupted_in_transit_is_read_when_it_is_requested_again(settings: Settings) -> None:
    produce_compressed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    produce(settings, event_values(1))
    with corrupting_proxy(settings, times=2) as proxy, open_source(proxy.settings) as source:
        poll_until(source, lambda: held_offsets(source) == [3])
        assert queued_dead_letters(source) == [(offset, "NotJson") for offset in range(3)]


def test_many_errors_for_one_corrupt_record_skip_only_that_record(settings: Settings) -> None:
    produce_compressed(settings, settings.kafka_topic, [b"no event " * 99], "lz4")
    produce(settings, event_values(1))
    with corrupting_proxy(settings) as proxy, open_source(proxy.settings) as source:
        poll_until(source, lambda: 0 in source._partitions)
        proxy.answers_to_corrupt = ALWAYS
        eventually(lambda: proxy.answers_to_corrupt <= ALWAYS - 5)  # librdkafka repeats it, and queues each error
        poll_until(source, lambda: held_offsets(source) == [1])
        assert queued_dead_letters(source) == [(0, "Undecodable")]
