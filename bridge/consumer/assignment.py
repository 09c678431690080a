"""Where partitions begin that the group gives to this bridge: what Kafka says of them, asked for within bounded time.

While it is asked nothing is read and no signal heard. A partition that has no leader begins where its commit says, and
is no reason to leave the others to nobody: the bridge would end, and the next one after it.
"""

import logging
import time
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.kafka.retry import retry_transient
from bridge.kafka.start_offset import NO_EPOCH, UNKNOWN_WATERMARKS, CommittedOffset, StartOffset, choose_start_offset
from bridge.kafka.topic_ids import NO_TOPIC_ID, TopicIds, await_topic_id
from bridge.kafka.watermarks import Watermarks

log = logging.getLogger(__name__)

WATERMARKS_TIMEOUT_SECONDS: Final = 4.0

StartOffsets = dict[int, StartOffset]


def resolve_start_offsets(
    consumer: Consumer, admin: AdminClient, topic_ids: TopicIds, partitions: list[TopicPartition], seconds: float
) -> tuple[str, StartOffsets]:
    """The topic's id, and where each partition begins. Raises KafkaException when nobody tells of the commits."""
    if not partitions:
        return NO_TOPIC_ID, {}
    until = time.monotonic() + seconds
    known_as = await_topic_id(topic_ids.request(_seconds_left(until)))
    found = retry_transient(lambda: consumer.committed(partitions, timeout=_seconds_left(until)), _seconds_left(until))
    ends = _watermarks(admin, partitions, min(WATERMARKS_TIMEOUT_SECONDS, _seconds_left(until)))
    return known_as, {
        one.partition: _start_offset(one, known_as, ends.get(one.partition, UNKNOWN_WATERMARKS)) for one in found
    }


def _watermarks(admin: AdminClient, partitions: list[TopicPartition], seconds: float) -> dict[int, tuple[int, int]]:
    numbers = [partition.partition for partition in partitions]
    watermarks = Watermarks(admin, partitions[0].topic)
    try:
        retry_transient(lambda: watermarks.fetch(numbers), seconds)
    except KafkaException as refused:
        missing = sorted(set(numbers) - set(watermarks.known))
        log.warning("The ends of partitions %s are not known, their commits are believed: %s", missing, refused)
    return watermarks.known


def _start_offset(partition: TopicPartition, known_as: str, ends: tuple[int, int]) -> StartOffset:
    if partition.error:
        raise KafkaException(partition.error)
    if partition.offset == OFFSET_INVALID:
        return choose_start_offset(None, known_as, *ends)
    epoch = NO_EPOCH if partition.leader_epoch is None else partition.leader_epoch
    return choose_start_offset(CommittedOffset(partition.offset, partition.metadata or "", epoch), known_as, *ends)


def _seconds_left(until: float) -> float:
    """Seconds for the next question, never none."""
    return max(1.0, until - time.monotonic())
