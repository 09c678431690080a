"""Tests the consumer with a log that does not fit its commits: expired, out of range, or recreated."""

from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.consumer.committer import LogReplacedError
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    answer_requests,
    commit_offset,
    event_values,
    fetch_commit,
    held_offsets,
    lane_of,
    open_source,
    poll_until,
    produce,
    read_until_held,
    recreate_topic,
    topic_id,
)
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # these tests need no PostgreSQL


@pytest.mark.parametrize("offset", [3, 900])
def test_a_commit_outside_the_log_raises_an_alarm_and_reading_starts_at_the_earliest_record(
    settings: Settings, caplog: pytest.LogCaptureFixture, offset: int
) -> None:
    produce(settings, event_values(8))
    commit_offset(settings, offset, topic_id(settings))
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    expired = TopicPartition(settings.kafka_topic, 0, 5)
    next(iter(admin.delete_records([expired]).values())).result(20)
    with open_source(settings) as source:
        read_until_held(source, 3)
        assert held_offsets(source) == [5, 6, 7]
    (alarm,) = [line.message for line in caplog.records if "ALARM" in line.message]
    assert f"committed offset {offset}" in alarm


def test_a_commit_within_the_log_raises_no_alarm(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    produce(settings, event_values(4))
    commit_offset(settings, 2, "")
    with open_source(settings) as source:
        read_until_held(source, 2)
    assert "ALARM" not in caplog.text


def test_records_that_expire_before_they_are_read_end_the_consumer_with_an_alarm(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, event_values(1))
    with open_source(settings) as source:
        read_until_held(source, 1)
        source._consumer.pause([TopicPartition(settings.kafka_topic, 0)])
        produce(settings, event_values(5, first=1))
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        next(iter(admin.delete_records([TopicPartition(settings.kafka_topic, 0, 4)]).values())).result(20)
        source._consumer.resume([TopicPartition(settings.kafka_topic, 0)])
        with pytest.raises(KafkaException):
            poll_until(source, lambda: False)
    assert "ALARM" in caplog.text
    assert fetch_commit(settings) == (4, topic_id(settings))
    caplog.clear()
    with open_source(settings) as next_source:
        read_until_held(next_source, 2)
    assert "ALARM" not in caplog.text


def test_a_commit_for_a_deleted_topic_of_the_same_name_is_ignored(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        answer_requests(lane_of(source))
    recreate_topic(settings)
    commit_offset(settings, 5, "the-old-topics-id")  # some brokers keep commits when a topic is deleted
    produce(settings, event_values(9))
    with open_source(settings) as next_source:
        read_until_held(next_source, 9)
    assert "was recreated" in caplog.text


def test_a_lane_of_the_deleted_topic_does_not_commit_to_the_recreated_one(settings: Settings) -> None:
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        answer_requests(lane_of(source))
        recreate_topic(settings)
        with pytest.raises(LogReplacedError):
            eventually(lambda: source.commit(1e9))
    assert fetch_commit(settings) is None


def test_a_recreated_topic_is_detected_although_no_frontier_moves(settings: Settings) -> None:
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        recreate_topic(settings)
        minutes = count(1, 60)
        with pytest.raises(LogReplacedError):
            eventually(lambda: source.commit(float(next(minutes))))


def test_a_topic_recreated_under_a_running_consumer_is_read_from_its_start(settings: Settings) -> None:
    produce(settings, event_values(5))
    with open_source(settings) as source:
        read_until_held(source, 5)
        recreate_topic(settings)
        produce(settings, event_values(7, first=100))
        answer_requests(lane_of(source))
        with suppress(LogReplacedError, KafkaException):  # the process may end here, to be started again

            def new_log_is_read() -> bool:
                source.commit(1e9)
                return UUID(int=101) in lane_of(source).users()

            poll_until(source, new_log_is_read)
    assert fetch_commit(settings) is None
    with open_source(settings) as next_source:
        read_until_held(next_source, 7)
