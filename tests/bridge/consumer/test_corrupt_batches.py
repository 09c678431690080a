"""Records that Kafka's client cannot decode: each is buried with its place, and what stands behind it is read."""

import pytest

from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.protocol import DeadLetterRecord
from contracts.settings import Settings
from tests.bridge.corrupting_proxy import FOR_EVER, corrupting_proxy, produce_packed
from tests.bridge.kafka_sources import a_source, answer, committed, held, lane, poll_until, produce, topic_id, values
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")

UNPACKED = 101_000_000
"""More than librdkafka unpacks. All the same byte, it is some 3,000 when packed."""


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # only the tests of dead letters ask PostgreSQL


def to_be_buried(source: KafkaSource) -> list[tuple[int, str]]:
    """Offsets and kinds, in the order in which the lane wants them buried."""
    return [
        (item.record.offset, item.record.raw.error_kind)
        for item in lane(source)._ingest_queue
        if isinstance(item, DeadLetterRecord)
    ]


def bury_all(source: KafkaSource) -> None:
    while item := lane(source).next_ingest(0.0):
        lane(source).dead_lettered(item.record)


def test_a_batch_that_does_not_unpack_is_buried_and_what_stands_behind_it_is_read(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, values(1))
    produce_packed(settings, settings.kafka_topic, [b"0" * UNPACKED], "zstd")
    produce(settings, values(1, first=1))
    with a_source(settings) as source:
        poll_until(source, lambda: held(source) == [0, 2])
        assert to_be_buried(source) == [(1, "Undecodable")]
        bury_all(source)
        answer(lane(source))
    assert committed(settings) == (3, topic_id(settings))
    (alarm,) = [line.message for line in caplog.records if line.message.startswith("ALARM")]
    assert alarm.startswith("ALARM: partition 0 offset 1 cannot be decoded: Decompression")


def test_of_a_spoilt_batch_each_record_is_buried_though_the_error_names_only_its_first(settings: Settings) -> None:
    produce(settings, values(1))
    produce_packed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    produce(settings, values(1, first=1))
    with corrupting_proxy(settings) as proxy, a_source(proxy.settings) as source:
        poll_until(source, lambda: held(source) == [0, 4])
        assert to_be_buried(source) == [(offset, "Undecodable") for offset in (1, 2, 3)]
        (place, *_) = [item.record.origin for item in lane(source)._ingest_queue]
    where = {"topic": settings.kafka_topic, "partition": 0, "offset": 1}
    assert place == where | {"timestamp": None, "topic_id": topic_id(settings)}


def test_a_batch_that_was_spoilt_on_its_way_is_read_when_it_comes_again(settings: Settings) -> None:
    produce_packed(settings, settings.kafka_topic, [b"no event " * 99] * 3, "lz4")
    produce(settings, values(1))
    with corrupting_proxy(settings, times=2) as proxy, a_source(proxy.settings) as source:
        poll_until(source, lambda: held(source) == [3])
        assert to_be_buried(source) == [(offset, "NotJson") for offset in range(3)]


def test_errors_that_piled_up_pass_by_no_more_than_the_one_record(settings: Settings) -> None:
    produce_packed(settings, settings.kafka_topic, [b"no event " * 99], "lz4")
    produce(settings, values(1))
    with corrupting_proxy(settings) as proxy, a_source(proxy.settings) as source:
        poll_until(source, lambda: 0 in source._partitions)
        proxy.times = FOR_EVER
        eventually(lambda: proxy.times <= FOR_EVER - 5)  # librdkafka asks again by itself, and keeps each error
        poll_until(source, lambda: held(source) == [1])
        assert to_be_buried(source) == [(0, "Undecodable")]
