"""Where partitions begin that the group gives to this bridge: what Kafka says of them, asked for within bounded time.

While it is asked nothing is read and no signal heard. A partition that has no leader begins where its commit says, and
is no reason to leave the others to nobody: the bridge would end, and the next one after it.
"""

import logging
import time
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.kafka.retry import until_answered
from bridge.kafka.start_offset import NO_EPOCH, UNKNOWN_ENDS, Committed, Start, choose_start
from bridge.kafka.topic_ids import NO_TOPIC_ID, TopicIds, topic_id
from bridge.kafka.watermarks import Watermarks

log = logging.getLogger(__name__)

ENDS_SECONDS: Final = 4.0

Starts = dict[int, Start]


def begin(
    consumer: Consumer, admin: AdminClient, topic_ids: TopicIds, partitions: list[TopicPartition], seconds: float
) -> tuple[str, Starts]:
    """The topic's id, and where each partition begins. Raises KafkaException when nobody tells of the commits."""
    if not partitions:
        return NO_TOPIC_ID, {}
    until = time.monotonic() + seconds
    known_as = topic_id(topic_ids.ask(_left(until)))
    found = until_answered(lambda: consumer.committed(partitions, timeout=_left(until)), _left(until))
    ends = _ends(admin, partitions, min(ENDS_SECONDS, _left(until)))
    return known_as, {one.partition: _start(one, known_as, ends.get(one.partition, UNKNOWN_ENDS)) for one in found}


def _ends(admin: AdminClient, partitions: list[TopicPartition], seconds: float) -> dict[int, tuple[int, int]]:
    numbers = [partition.partition for partition in partitions]
    watermarks = Watermarks(admin, partitions[0].topic)
    try:
        until_answered(lambda: watermarks.ask(numbers), seconds)
    except KafkaException as refused:
        missing = sorted(set(numbers) - set(watermarks.known))
        log.warning("The ends of partitions %s are not known, their commits are believed: %s", missing, refused)
    return watermarks.known


def _start(partition: TopicPartition, known_as: str, ends: tuple[int, int]) -> Start:
    if partition.error:
        raise KafkaException(partition.error)
    if partition.offset == OFFSET_INVALID:
        return choose_start(None, known_as, *ends)
    epoch = NO_EPOCH if partition.leader_epoch is None else partition.leader_epoch
    return choose_start(Committed(partition.offset, partition.metadata or "", epoch), known_as, *ends)


def _left(until: float) -> float:
    """Seconds for the next question, never none."""
    return max(1.0, until - time.monotonic())
