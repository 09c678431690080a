"""The consumer on a real Kafka: where it begins, what it commits, and what it makes of any record."""

from collections.abc import Callable
from socket import socket
from uuid import UUID

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from bridge.consumer.kafka_source import COMMIT_INTERVAL_SECONDS, KafkaSource
from bridge.records import decode
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    a_source,
    a_transaction,
    answer,
    close_up_to,
    committed,
    held,
    lane,
    poll_until,
    produce,
    read_all,
    settled,
    topic_id,
    values,
)

pytestmark = pytest.mark.usefixtures("topics")


def is_asking(source: KafkaSource) -> bool:
    """Whether a commit is under way: it begins with the question for the topic's id."""
    return source._topic_id_request is not None


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # only the tests of dead letters ask PostgreSQL


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_a_new_group_begins_at_the_earliest_record_and_goes_on_at_its_commit(settings: Settings, protocol: str) -> None:
    settings = settings.model_copy(update={"kafka_group_protocol": protocol})
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        close_up_to(source, 3)
        settled(source, settings, 3)
    with a_source(settings) as following:
        read_all(following, 2)
        assert held(following) == [3, 4]


def test_nothing_is_committed_past_an_open_record_and_the_rest_on_leaving(settings: Settings) -> None:
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        answer(lane(source), lambda record: record.offset in {0, 1, 3, 4})
        settled(source, settings, 2)
        lane(source).wake(UUID(int=3), 0.0)
        answer(lane(source))
    assert committed(settings) == (5, topic_id(settings))


def test_a_commit_tells_the_topics_id(settings: Settings) -> None:
    produce(settings, values(1))
    with a_source(settings) as source:
        read_all(source, 1)
        answer(lane(source))
        settled(source, settings, 1)
    assert committed(settings) == (1, topic_id(settings))


@pytest.mark.parametrize("ends", [Producer.commit_transaction, Producer.abort_transaction])
def test_the_mark_of_a_transaction_at_the_end_of_the_log_is_committed_as_well(
    settings: Settings, ends: Callable[[Producer, float], None]
) -> None:
    produce(settings, values(1))
    with a_source(settings) as source:
        read_all(source, 1)
        with a_transaction(settings) as producer:
            producer.produce(settings.kafka_topic, b"no event", partition=0)
            assert producer.flush(20) == 0
            ends(producer, 20)
        poll_until(source, lambda: lane(source).next == 3)
        assert lane(source).frontier == 0
        answer(lane(source))
        while item := lane(source).next_ingest(0.0):
            lane(source).dead_lettered(item.record)
        settled(source, settings, 3)


def test_a_transaction_that_has_not_ended_holds_back_what_stands_behind_it(settings: Settings) -> None:
    with a_transaction(settings) as producer, a_source(settings) as source:
        producer.produce(settings.kafka_topic, b"no event", partition=0)
        assert producer.flush(20) == 0
        produce(settings, values(1))
        produce(settings, values(1), partition=1)
        poll_until(source, lambda: held(source, 1) == [0])
        assert (lane(source).next, lane(source).frontier) == (0, 0)
        producer.commit_transaction(20)
        poll_until(source, lambda: held(source) == [1])


def test_where_nothing_moved_nothing_is_committed(settings: Settings) -> None:
    produce(settings, values(2))
    with a_source(settings) as source:
        read_all(source, 2)
        source.commit(1e9)
    assert committed(settings) is None


def test_frontiers_are_settled_at_most_every_second(settings: Settings) -> None:
    produce(settings, values(2))
    with a_source(settings) as source:
        read_all(source, 2)
        source._commit_begun_at = 100.0
        answer(lane(source))
        source.commit(100.0 + COMMIT_INTERVAL_SECONDS / 2)
        assert not is_asking(source)
        source.commit(100.0 + COMMIT_INTERVAL_SECONDS)
        assert is_asking(source)
        settled(source, settings, 2)


def test_settling_does_not_wait_for_a_kafka_that_is_away(settings: Settings) -> None:
    produce(settings, values(2))
    with a_source(settings) as source:
        read_all(source, 2)
        answer(lane(source))
        with socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()  # takes connections and never answers
            reachable, source._topic_ids._admin = (
                source._topic_ids._admin,
                AdminClient({"bootstrap.servers": f"127.0.0.1:{silent.getsockname()[1]}"}),
            )
            source.commit(1e9)
            assert source._topic_id_request is not None
            assert not source._topic_id_request.done()
            source._topic_id_request, source._topic_ids._admin = None, reachable
        settled(source, settings, 2)


def test_librdkafkas_own_broker_is_read_and_committed_to_without_topic_ids(settings: Settings) -> None:
    broker = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    port = next(iter(broker.list_topics(timeout=20).brokers.values())).port
    settings = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{port}"})
    produce(settings, values(3))
    with a_source(settings) as source:
        read_all(source, 3)
        close_up_to(source, 2)
        settled(source, settings, 2)
    assert committed(settings) == (2, "")
    with a_source(settings) as following:
        read_all(following, 1)


class MisnamedHeader:
    """A message as confluent-kafka 2.16 gives it when another client wrote a header whose name is not UTF-8."""

    def headers(self) -> None:
        raise SystemError("returned a result with an exception set")

    def offset(self) -> int:
        return 17

    def partition(self) -> int:
        return 0


def test_headers_that_cannot_be_read_are_none(caplog: pytest.LogCaptureFixture) -> None:
    assert decode.decode_headers(MisnamedHeader()) == []  # type: ignore[arg-type]
    assert "offset 17 of partition 0" in caplog.text


def test_a_record_with_any_bytes_and_headers_comes_through(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    headers: list[tuple[str, str | bytes | None]] = [
        ("turn", None),
        ("é\U0001f600", b"\xff"),
        ("", b""),
        ("turn", b"\x00"),
    ]
    produced = [None, b"", b"\x00\xff", *values(1)]  # the key is no user's, so not even the last becomes a thought
    for value in produced:
        producer.produce(settings.kafka_topic, value, key=b"\xff\x00", partition=0, headers=headers)
    assert producer.flush(20) == 0
    with a_source(settings) as source:
        poll_until(source, lambda: len(list(source.lanes())) == 3 and len(lane(source)._ingest_queue) == 4)
        bodies = [item.record.raw for item in lane(source)._ingest_queue]
    assert [(body.key, body.value) for body in bodies] == [(b"\xff\x00", value) for value in produced]
    assert all(list(body.headers) == headers for body in bodies)
