"""Tests the consumer on a real Kafka: where it starts, what it commits, and that any record arrives unchanged."""

from collections.abc import Callable
from socket import socket
from uuid import UUID

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.consumer.committer import COMMIT_INTERVAL_SECONDS
from bridge.records import decode
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    answer_requests,
    assert_commits,
    close_below,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    open_transaction,
    poll_until,
    produce,
    read_until_held,
    topic_id,
)

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_a_new_group_starts_at_the_earliest_record_and_continues_at_its_commit(
    settings: Settings, protocol: str
) -> None:
    settings = settings.model_copy(update={"kafka_group_protocol": protocol})
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        close_below(source, 3)
        assert_commits(source, settings, 3)
    with open_source(settings) as next_source:
        read_until_held(next_source, 2)
        assert held_offsets(next_source) == [3, 4]


def test_commits_stop_at_an_open_record_and_closing_commits_the_frontier(settings: Settings) -> None:
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        answer_requests(lane_of(source), lambda record: record.offset in {0, 1, 3, 4})
        assert_commits(source, settings, 2)
        lane_of(source).wake(UUID(int=3), 0.0)
        answer_requests(lane_of(source))
    assert fetch_commit(settings) == (5, topic_id(settings))


def test_a_commit_carries_the_topics_id(settings: Settings) -> None:
    produce(settings, event_values(1))
    with open_source(settings) as source:
        read_until_held(source, 1)
        answer_requests(lane_of(source))
        assert_commits(source, settings, 1)
    assert fetch_commit(settings) == (1, topic_id(settings))


@pytest.mark.parametrize("end_transaction", [Producer.commit_transaction, Producer.abort_transaction])
def test_a_transaction_marker_at_the_end_of_the_log_is_committed(
    settings: Settings, end_transaction: Callable[[Producer, float], None]
) -> None:
    produce(settings, event_values(1))
    with open_source(settings) as source:
        read_until_held(source, 1)
        with open_transaction(settings) as producer:
            producer.produce(settings.kafka_topic, b"no event", partition=0)
            assert producer.flush(20) == 0
            end_transaction(producer, 20)
        poll_until(source, lambda: lane_of(source).next_offset == 3)
        assert lane_of(source).frontier == 0
        answer_requests(lane_of(source))
        while item := lane_of(source).next_ingest(0.0):
            lane_of(source).dead_lettered(item.record)
        assert_commits(source, settings, 3)


def test_an_open_transaction_delays_only_the_records_behind_it_in_its_partition(settings: Settings) -> None:
    with open_transaction(settings) as producer, open_source(settings) as source:
        producer.produce(settings.kafka_topic, b"no event", partition=0)
        assert producer.flush(20) == 0
        produce(settings, event_values(1))
        produce(settings, event_values(1), partition=1)
        poll_until(source, lambda: held_offsets(source, 1) == [0])
        assert (lane_of(source).next_offset, lane_of(source).frontier) == (0, 0)
        producer.commit_transaction(20)
        poll_until(source, lambda: held_offsets(source) == [1])


def test_an_unmoved_frontier_is_not_committed(settings: Settings) -> None:
    produce(settings, event_values(2))
    with open_source(settings) as source:
        read_until_held(source, 2)
        source.commit(1e9)
    assert fetch_commit(settings) is None


def test_frontiers_are_committed_at_most_once_a_second(settings: Settings) -> None:
    produce(settings, event_values(2))
    with open_source(settings) as source:
        read_until_held(source, 2)
        source._committer._started_at = 100.0
        answer_requests(lane_of(source))
        source.commit(100.0 + COMMIT_INTERVAL_SECONDS / 2)
        assert source._committer._started_at == 100.0
        source.commit(100.0 + COMMIT_INTERVAL_SECONDS)
        assert source._committer._started_at == 100.0 + COMMIT_INTERVAL_SECONDS
        assert_commits(source, settings, 2)


def test_commit_does_not_wait_for_an_unavailable_kafka(settings: Settings) -> None:
    produce(settings, event_values(2))
    with open_source(settings) as source:
        read_until_held(source, 2)
        answer_requests(lane_of(source))
        with socket() as silent_server:
            silent_server.bind(("127.0.0.1", 0))
            silent_server.listen()  # accepts connections and never answers
            reachable, source._topic_ids._admin = (
                source._topic_ids._admin,
                AdminClient({"bootstrap.servers": f"127.0.0.1:{silent_server.getsockname()[1]}"}),
            )
            source.commit(1e9)
            assert source._committer._topic_id_request is not None
            assert not source._committer._topic_id_request.done()
            source._committer._topic_id_request, source._topic_ids._admin = None, reachable
        assert_commits(source, settings, 2)


def test_commits_to_a_broker_without_topic_ids_carry_none(settings: Settings) -> None:
    broker = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    port = next(iter(broker.list_topics(timeout=20).brokers.values())).port
    settings = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{port}"})
    produce(settings, event_values(3))
    with open_source(settings) as source:
        read_until_held(source, 3)
        close_below(source, 2)
        assert_commits(source, settings, 2)
    assert fetch_commit(settings) == (2, "")
    with open_source(settings) as next_source:
        read_until_held(next_source, 1)


class MisnamedHeader:
    """Behaves like confluent-kafka 2.16's message when a producer wrote a header whose name is not UTF-8."""

    def headers(self) -> None:
        raise SystemError("returned a result with an exception set")

    def offset(self) -> int:
        return 17

    def partition(self) -> int:
        return 0


def test_headers_that_cannot_be_decoded_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    assert decode.decode_headers(MisnamedHeader()) == []  # type: ignore[arg-type]
    assert "offset 17 of partition 0" in caplog.text


def test_a_record_with_any_bytes_and_headers_arrives_unchanged(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    headers: list[tuple[str, str | bytes | None]] = [
        ("turn", None),
        ("é\U0001f600", b"\xff"),
        ("", b""),
        ("turn", b"\x00"),
    ]
    values = [None, b"", b"\x00\xff", *event_values(1)]  # the key is no user id, so the last one is no event either
    for value in values:
        producer.produce(settings.kafka_topic, value, key=b"\xff\x00", partition=0, headers=headers)
    assert producer.flush(20) == 0
    with open_source(settings) as source:
        poll_until(source, lambda: len(list(source.lanes())) == 3 and len(lane_of(source)._ingest_queue) == 4)
        raw_records = [item.record.raw for item in lane_of(source)._ingest_queue]
    assert [(raw.key, raw.value) for raw in raw_records] == [(b"\xff\x00", value) for value in values]
    assert all(list(raw.headers) == headers for raw in raw_records)
