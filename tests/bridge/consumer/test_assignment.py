"""Where a bridge begins when Kafka cannot say everything: what has a leader is read, and nothing is skipped."""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, KafkaException

from bridge.consumer import assignment
from bridge.kafka.retry import retry_transient
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    a_source,
    answer,
    commit_by_hand,
    committed,
    held,
    lane,
    poll_until,
    produce,
    shared,
    values,
)
from tests.bridge.mock_kafka import NO_LEADER, OFFSET_FETCH, MockKafka, mock_kafka


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # nobody asks PostgreSQL here


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockKafka]:
    monkeypatch.setattr(assignment, "WATERMARKS_TIMEOUT_SECONDS", 0.5)
    with mock_kafka() as found:
        yield found


@pytest.fixture
def mocked(settings: Settings, kafka: MockKafka) -> Settings:
    """Four records in each partition of the work topic."""
    kafka.make(settings.kafka_topic)
    settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka.address})
    for partition in range(3):
        produce(settings, values(4, first=10 * partition), partition)
    return settings


def test_a_partition_without_a_leader_is_no_reason_to_leave_the_others(
    mocked: Settings, kafka: MockKafka, caplog: pytest.LogCaptureFixture
) -> None:
    commit_by_hand(mocked, 2, "", partition=1)
    kafka.lead(mocked.kafka_topic, 1, NO_LEADER)
    with a_source(mocked) as source:
        poll_until(source, lambda: [len(held(source, number)) for number in range(3)] == [4, 0, 4])
        kafka.lead(mocked.kafka_topic, 1, 2)
        poll_until(source, lambda: held(source, 1) == [2, 3])
        answer(lane(source, 1))
    assert "The ends of partitions [1] are not known" in caplog.text
    assert "ALARM" not in caplog.text
    assert [committed(mocked, partition) for partition in range(3)] == [None, (4, ""), None]


def test_a_partition_without_a_leader_or_a_commit_begins_at_its_earliest_record(
    mocked: Settings, kafka: MockKafka
) -> None:
    kafka.lead(mocked.kafka_topic, 1, NO_LEADER)
    with a_source(mocked) as source:
        poll_until(source, lambda: shared(source) == {0, 1, 2})
        kafka.lead(mocked.kafka_topic, 1, 2)
        poll_until(source, lambda: held(source, 1) == [0, 1, 2, 3])


def test_a_wrong_commit_of_a_partition_without_a_leader_raises_its_alarm_when_it_is_read(
    mocked: Settings, kafka: MockKafka, caplog: pytest.LogCaptureFixture
) -> None:
    commit_by_hand(mocked, 900, "", partition=1)
    kafka.lead(mocked.kafka_topic, 1, NO_LEADER)
    with a_source(mocked) as source:
        poll_until(source, lambda: shared(source) == {0, 1, 2})
        assert "ALARM" not in caplog.text
        kafka.lead(mocked.kafka_topic, 1, 2)
        with pytest.raises(KafkaException):
            poll_until(source, lambda: False)
    assert "ALARM" in caplog.text


def test_a_coordinator_that_moves_is_asked_again(mocked: Settings, kafka: MockKafka) -> None:
    kafka.refuse(OFFSET_FETCH, [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS] * 2)
    with a_source(mocked) as source:
        poll_until(source, lambda: shared(source) == {0, 1, 2})


def test_what_is_said_for_a_moment_is_asked_again_until_the_time_is_over() -> None:
    answers = [KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR]

    def ask() -> str:
        if answers:
            raise KafkaException(KafkaError(answers.pop()))
        return "an answer"

    assert retry_transient(ask, 60) == "an answer"
    answers += [KafkaError.NOT_COORDINATOR] * 3
    with pytest.raises(KafkaException):
        retry_transient(ask, 0.0)
    answers[:] = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    with pytest.raises(KafkaException):
        retry_transient(ask, 60)
