"""Fetches what the consumer group committed for a topic's partitions."""

from collections.abc import Iterable

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition

from bridge.kafka.start_offset import NO_EPOCH, CommittedOffset

Commits = dict[int, CommittedOffset | None]
"""Partition -> its commit; None when there is none."""


def fetch_commits(consumer: Consumer, topic: str, numbers: Iterable[int], timeout: float) -> Commits:
    """Return the commits of these partitions.

    Raises KafkaException when Kafka is unavailable, and also when it answers for only some of the partitions: a commit
    that could not be read must never look like a missing one.
    """
    answers = consumer.committed([TopicPartition(topic, number) for number in numbers], timeout=timeout)
    return {answer.partition: _commit(answer) for answer in answers}


def _commit(answer: TopicPartition) -> CommittedOffset | None:
    if answer.error:
        raise KafkaException(answer.error)
    if answer.offset == OFFSET_INVALID:
        return None
    epoch = NO_EPOCH if answer.leader_epoch is None else answer.leader_epoch
    return CommittedOffset(answer.offset, answer.metadata or "", epoch)
