"""Reads topics without joining the consumer group: watermarks, the group's commits, and records.

The client uses the group id only to read commits. It never subscribes and never commits, so it cannot cause a
rebalance.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from bridge.kafka.commits import fetch_commits
from bridge.kafka.config import client_config, poll_batch, reader_config
from bridge.kafka.corrupt_batches import CORRUPT_BATCH_ERRORS, PARTITION_ERRORS, CorruptBatchTracker, CorruptRecord
from bridge.kafka.retry import retry_transient
from bridge.kafka.start_offset import PartitionOffsets
from bridge.kafka.topic_ids import TopicIds, await_topic_id
from bridge.kafka.watermarks import LATEST, Watermarks
from contracts.settings import Settings

REQUEST_TIMEOUT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0
IDLE_TIMEOUT_SECONDS: Final = 30.0
"""After this long without a record or the end of a partition, reading fails with a timeout."""

TopicItem: TypeAlias = "Message[bytes, bytes] | CorruptRecord"
"""The content of one offset."""

Span = tuple[int, int, int]
"""Partition, first offset, and the offset after the last one."""


@dataclass(slots=True)
class ReadRange:
    """The part of a partition that remains to be read: from `next` to below `end`."""

    next: int
    end: int
    corrupt_batches: CorruptBatchTracker = field(default_factory=CorruptBatchTracker)


class TopicReader:
    """Reads whole topics or parts of them. Methods raise KafkaException when Kafka is unavailable.

    `name` is the client id, which the broker logs.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._admin = AdminClient(client_config(settings, name))
        self._consumer = Consumer(
            {
                **reader_config(settings, name),
                "auto.offset.reset": "earliest",  # records that expire while they are read leave a gap, and no error
            }
        )

    def partition_offsets(self, topic: str) -> list[PartitionOffsets]:
        """Return the offsets of all partitions.

        Commits are read before the watermarks, so that a commit made in between never seems to lie beyond the log.
        """
        numbers = self._partitions(topic)
        topic_id = await_topic_id(TopicIds(self._admin, topic).request())
        commits = retry_transient(
            lambda: fetch_commits(self._consumer, topic, numbers, REQUEST_TIMEOUT_SECONDS), REQUEST_TIMEOUT_SECONDS
        )
        watermarks = Watermarks(self._admin, topic)
        retry_transient(lambda: watermarks.fetch(numbers), REQUEST_TIMEOUT_SECONDS)
        readable = self._readable_ends(topic, numbers)
        return [
            PartitionOffsets(number, topic_id, low, high, min(readable[number], high), commits[number])
            for number, (low, high) in sorted(watermarks.by_partition.items())
        ]

    def records(self, topic: str, spans: Iterable[Span]) -> Iterator[list[TopicItem]]:
        """Yield the content of the spans in batches of some megabytes, each partition in the order of its offsets.

        Raises KafkaException also when nothing arrives for IDLE_TIMEOUT_SECONDS.
        """
        ranges = {partition: ReadRange(first, end) for partition, first, end in spans if first < end}
        idle_since = time.monotonic()
        with self._assigned(topic, ranges):
            while ranges:
                unread_count = len(ranges)
                if batch := list(self._next_batch(topic, ranges)):
                    yield batch
                if batch or len(ranges) < unread_count:
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > IDLE_TIMEOUT_SECONDS:
                    raise KafkaException(_idle_error(ranges))

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        metadata = self._consumer.list_topics(topic, REQUEST_TIMEOUT_SECONDS).topics[topic]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        return sorted(metadata.partitions)

    def _readable_ends(self, topic: str, numbers: list[int]) -> dict[int, int]:
        """Return the ends for a consumer: before the first transaction that has not ended."""
        partitions = [TopicPartition(topic, number) for number in numbers]
        futures = self._admin.list_offsets(
            dict.fromkeys(partitions, LATEST),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=REQUEST_TIMEOUT_SECONDS,
        )
        return {partition.partition: int(futures[partition].result().offset) for partition in partitions}

    def _next_batch(self, topic: str, ranges: dict[int, ReadRange]) -> Iterator[TopicItem]:
        """Yield what has arrived, and remove the ranges that were read to their end.

        A range also ends with the broker's end-of-partition event, because the last entry of a log may be a transaction
        marker, which no consumer is shown. After a seek, the remaining messages of that partition are dropped: they
        will arrive again.
        """
        reseeked: set[int] = set()
        for message in poll_batch(self._consumer, POLL_SECONDS):
            number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() not in PARTITION_ERRORS:
                raise KafkaException(error)
            if number not in ranges or number in reseeked:
                continue
            unread = ranges[number]
            if error is None:
                unread.next = offset + 1
                if offset < unread.end:
                    yield message
            elif error.code() in CORRUPT_BATCH_ERRORS:
                reseeked.add(number)
                yield from self._skip_corrupt(unread, TopicPartition(topic, number, offset), error)
            else:
                unread.next = unread.end
            if unread.next >= unread.end:
                del ranges[number]

    def _skip_corrupt(self, unread: ReadRange, batch: TopicPartition, error: KafkaError) -> Iterator[CorruptRecord]:
        """Request a corrupt batch again, and skip its next record when the batch stays corrupt.

        `batch` holds the batch's first offset.
        """
        skip = unread.corrupt_batches.skip(batch.offset, unread.next)
        self._consumer.seek(TopicPartition(batch.topic, batch.partition, skip.seek_to))
        if skip.skipped is not None:
            unread.next = skip.seek_to
            if skip.skipped < unread.end:
                yield CorruptRecord(batch.partition, skip.skipped, error.str())

    @contextmanager
    def _assigned(self, topic: str, ranges: dict[int, ReadRange]) -> Iterator[None]:
        self._consumer.assign([TopicPartition(topic, number, unread.next) for number, unread in ranges.items()])
        try:
            yield
        finally:
            self._consumer.unassign()


def _idle_error(ranges: dict[int, ReadRange]) -> KafkaError:
    """Return a timeout error that names the position in each partition.

    The broker may be unavailable, or the log corrupt there: librdkafka reports nothing when an uncompressed batch is so
    corrupt that it is no batch any more.
    """
    positions = ", ".join(
        f"partition {number} returned nothing from offset {unread.next} on" for number, unread in ranges.items()
    )
    return KafkaError(KafkaError._TIMED_OUT, positions)  # noqa: SLF001  librdkafka's own name
