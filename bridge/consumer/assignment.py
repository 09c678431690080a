"""Finds the offsets at which newly assigned partitions are read, within bounded time.

During these requests the bridge reads nothing and handles no signal. A partition without a leader starts at its
committed offset, unchecked. It does not fail the assignment: one such partition would end the bridge, then the next
bridge that gets it, and the other partitions would not be read.
"""

import logging
import time
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.kafka.commits import fetch_commits
from bridge.kafka.retry import retry_transient
from bridge.kafka.start_offset import UNKNOWN_WATERMARKS, StartOffset, choose_start_offset
from bridge.kafka.topic_ids import NO_TOPIC_ID, TopicIds, await_topic_id
from bridge.kafka.watermarks import Watermarks

log = logging.getLogger(__name__)

WATERMARKS_TIMEOUT_SECONDS: Final = 4.0
"""How long to wait for watermarks: those of a partition without a leader may not come."""

StartOffsets = dict[int, StartOffset]
"""Partition -> where it is read from."""


def resolve_start_offsets(
    consumer: Consumer, admin: AdminClient, topic_ids: TopicIds, partitions: list[TopicPartition], seconds: float
) -> tuple[str, StartOffsets]:
    """Return the topic's id, and where each partition is read from; take about `seconds` at most.

    Raises KafkaException when Kafka does not return the topic's id or the committed offsets.
    """
    if not partitions:
        return NO_TOPIC_ID, {}
    deadline = time.monotonic() + seconds
    topic_id = await_topic_id(topic_ids.request(_seconds_left(deadline)))
    topic, numbers = partitions[0].topic, [partition.partition for partition in partitions]
    commits = retry_transient(
        lambda: fetch_commits(consumer, topic, numbers, _seconds_left(deadline)), _seconds_left(deadline)
    )
    watermarks = _watermarks(admin, topic, numbers, min(WATERMARKS_TIMEOUT_SECONDS, _seconds_left(deadline)))
    return topic_id, {
        number: choose_start_offset(commit, topic_id, *watermarks.get(number, UNKNOWN_WATERMARKS))
        for number, commit in commits.items()
    }


def _watermarks(admin: AdminClient, topic: str, numbers: list[int], seconds: float) -> dict[int, tuple[int, int]]:
    """Return the first offset and the end of each partition that has a leader."""
    watermarks = Watermarks(admin, topic)
    try:
        retry_transient(lambda: watermarks.fetch(numbers), seconds)
    except KafkaException as error:
        missing = sorted(set(numbers) - set(watermarks.by_partition))
        log.warning(
            "The watermarks of partitions %s are unknown, reading starts at their commits unchecked: %s", missing, error
        )
    return watermarks.by_partition


def _seconds_left(deadline: float) -> float:
    """Return the timeout for the next request: at least one second, also after the deadline."""
    return max(1.0, deadline - time.monotonic())
