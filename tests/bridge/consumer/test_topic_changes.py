"""The consumer and a log that is not the one it knew: expired, out of range, or made anew under the same name."""

from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.consumer.kafka_source import TopicRecreatedError
from contracts.settings import Settings
from tests.bridge.kafka_sources import (
    a_source,
    answer,
    commit_by_hand,
    committed,
    held,
    lane,
    make_anew,
    poll_until,
    produce,
    read_all,
    topic_id,
    values,
)
from tests.eventually import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture(scope="module")
def database_url() -> str:
    return "postgresql://nobody@127.0.0.1:9/none"  # only the tests of dead letters ask PostgreSQL


@pytest.mark.parametrize("offset", [3, 900])
def test_a_commit_outside_of_the_log_begins_at_the_earliest_record_with_an_alarm(
    settings: Settings, caplog: pytest.LogCaptureFixture, offset: int
) -> None:
    produce(settings, values(8))
    commit_by_hand(settings, offset, topic_id(settings))
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    gone = TopicPartition(settings.kafka_topic, 0, 5)
    next(iter(admin.delete_records([gone]).values())).result(20)
    with a_source(settings) as source:
        read_all(source, 3)
        assert held(source) == [5, 6, 7]
    assert [f"committed offset {offset}" in one.message for one in caplog.records if "ALARM" in one.message] == [True]


def test_a_commit_within_the_log_raises_no_alarm(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    produce(settings, values(4))
    commit_by_hand(settings, 2, "")
    with a_source(settings) as source:
        read_all(source, 2)
    assert "ALARM" not in caplog.text


def test_a_log_that_expired_under_the_consumer_ends_it_with_an_alarm(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, values(1))
    with a_source(settings) as source:
        read_all(source, 1)
        source._consumer.pause([TopicPartition(settings.kafka_topic, 0)])
        produce(settings, values(5, first=1))
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        next(iter(admin.delete_records([TopicPartition(settings.kafka_topic, 0, 4)]).values())).result(20)
        source._consumer.resume([TopicPartition(settings.kafka_topic, 0)])
        with pytest.raises(KafkaException):
            poll_until(source, lambda: False)
    assert "ALARM" in caplog.text
    assert committed(settings) == (4, topic_id(settings))
    caplog.clear()
    with a_source(settings) as following:
        read_all(following, 2)
    assert "ALARM" not in caplog.text


def test_a_commit_of_a_deleted_topic_of_the_same_name_counts_as_none(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        answer(lane(source))
    make_anew(settings)
    commit_by_hand(settings, 5, "the-old-topics-id")  # as a broker that keeps commits over a deletion
    produce(settings, values(9))
    with a_source(settings) as following:
        read_all(following, 9)
    assert "made anew" in caplog.text


def test_a_lane_of_the_old_log_does_not_commit_to_the_new_one(settings: Settings) -> None:
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        answer(lane(source))
        make_anew(settings)
        with pytest.raises(TopicRecreatedError):
            eventually(lambda: source.commit(1e9))
    assert committed(settings) is None


def test_a_log_made_anew_is_noticed_though_nothing_moves_in_it(settings: Settings) -> None:
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        make_anew(settings)
        minutes = count(1, 60)
        with pytest.raises(TopicRecreatedError):
            eventually(lambda: source.commit(float(next(minutes))))


def test_a_topic_made_anew_under_running_consumers_is_read_from_its_start(settings: Settings) -> None:
    produce(settings, values(5))
    with a_source(settings) as source:
        read_all(source, 5)
        make_anew(settings)
        produce(settings, values(7, first=100))
        answer(lane(source))
        with suppress(TopicRecreatedError, KafkaException):  # the process may end here, and its manager start the next

            def the_new_log_is_read() -> bool:
                source.commit(1e9)
                return UUID(int=101) in lane(source).users()

            poll_until(source, the_new_log_is_read)
    assert committed(settings) is None
    with a_source(settings) as following:
        read_all(following, 7)
