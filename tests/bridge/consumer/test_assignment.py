"""Tests the start offsets while Kafka is partly unavailable: other partitions are read, and no record is skipped."""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException

from bridge.consumer import assignment
from bridge.kafka.retry import retry_transient
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    answer_requests,
    assigned_partitions,
    commit_offset,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    poll_until,
    produce,
)
from tests.bridge.mock_kafka import NO_LEADER, OFFSET_FETCH, MockKafka, mock_kafka


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockKafka]:
    monkeypatch.setattr(assignment, "WATERMARKS_TIMEOUT_SECONDS", 0.5)
    with mock_kafka() as kafka:
        yield kafka


@pytest.fixture
def mock_settings(settings: Settings, kafka: MockKafka) -> Settings:
    """Return settings for a mock Kafka with four records in each partition of the work topic."""
    kafka.create_topic(settings.kafka_topic)
    settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka.address})
    for partition in range(3):
        produce(settings, event_values(4, first=10 * partition), partition)
    return settings


def test_the_bridge_reads_the_other_partitions_while_one_has_no_leader(
    mock_settings: Settings, kafka: MockKafka, caplog: pytest.LogCaptureFixture
) -> None:
    commit_offset(mock_settings, 2, "", partition=1)
    kafka.set_leader(mock_settings.kafka_topic, 1, NO_LEADER)
    with open_source(mock_settings) as source:
        poll_until(source, lambda: [len(held_offsets(source, number)) for number in range(3)] == [4, 0, 4])
        kafka.set_leader(mock_settings.kafka_topic, 1, 2)
        poll_until(source, lambda: held_offsets(source, 1) == [2, 3])
        answer_requests(lane_of(source, 1))
    assert "The watermarks of partitions [1] are unknown" in caplog.text
    assert "ALARM" not in caplog.text
    assert [fetch_commit(mock_settings, partition) for partition in range(3)] == [None, (4, ""), None]


def test_a_partition_without_a_leader_or_a_commit_is_read_from_its_earliest_record(
    mock_settings: Settings, kafka: MockKafka
) -> None:
    kafka.set_leader(mock_settings.kafka_topic, 1, NO_LEADER)
    with open_source(mock_settings) as source:
        poll_until(source, lambda: assigned_partitions(source) == {0, 1, 2})
        kafka.set_leader(mock_settings.kafka_topic, 1, 2)
        poll_until(source, lambda: held_offsets(source, 1) == [0, 1, 2, 3])


def test_a_wrong_commit_of_a_partition_without_a_leader_raises_an_alarm_when_it_is_read(
    mock_settings: Settings, kafka: MockKafka, caplog: pytest.LogCaptureFixture
) -> None:
    commit_offset(mock_settings, 900, "", partition=1)
    kafka.set_leader(mock_settings.kafka_topic, 1, NO_LEADER)
    with open_source(mock_settings) as source:
        poll_until(source, lambda: assigned_partitions(source) == {0, 1, 2})
        assert "ALARM" not in caplog.text
        kafka.set_leader(mock_settings.kafka_topic, 1, 2)
        with pytest.raises(KafkaException):
            poll_until(source, lambda: False)
    assert "ALARM" in caplog.text


def test_a_moving_coordinator_is_asked_again_for_the_commits(mock_settings: Settings, kafka: MockKafka) -> None:
    kafka.fail_requests(OFFSET_FETCH, [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS] * 2)
    with open_source(mock_settings) as source:
        poll_until(source, lambda: assigned_partitions(source) == {0, 1, 2})


def test_only_transient_errors_are_retried_and_only_until_the_timeout() -> None:
    errors = [KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR]

    def request() -> str:
        if errors:
            raise KafkaException(KafkaError(errors.pop()))
        return "an answer"

    assert retry_transient(request, 60) == "an answer"
    errors += [KafkaError.NOT_COORDINATOR] * 3
    with pytest.raises(KafkaException):
        retry_transient(request, 0.0)
    errors[:] = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    with pytest.raises(KafkaException):
        retry_transient(request, 60)
