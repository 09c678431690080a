"""Topics, looked at from outside: the ends of the logs, what the group committed, and the records themselves.

Who looks belongs to the group by name only, as it must to be told of its commits: it never subscribes and commits
nothing, so no partition moves because somebody counts or reads.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from bridge.kafka.config import client_config, poll_batch, reader_config
from bridge.kafka.corrupt_batches import CORRUPT_BATCH_ERRORS, PARTITION_ERRORS, CorruptBatchTracker, CorruptRecord
from bridge.kafka.retry import retry_transient
from bridge.kafka.start_offset import CommittedOffset, PartitionOffsets
from bridge.kafka.topic_ids import TopicIds, await_topic_id
from bridge.kafka.watermarks import LATEST, Watermarks
from contracts.settings import Settings

REQUEST_TIMEOUT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0
IDLE_TIMEOUT_SECONDS: Final = 30.0
"""After this long without a record or the end of a partition, Kafka is unavailable."""

TopicItem: TypeAlias = "Message[bytes, bytes] | CorruptRecord"
"""What stands at an offset."""

Span = tuple[int, int, int]
"""Partition, first offset, and the offset behind the last."""


@dataclass(slots=True)
class ReadRange:
    """What of a partition is still to be read."""

    next: int
    end: int
    corrupt_batches: CorruptBatchTracker = field(default_factory=CorruptBatchTracker)


class TopicReader:
    """Reads topics from outside; `name` is shown in the broker's log. Methods raise KafkaException when it is away."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._admin = AdminClient(client_config(settings, name))
        self._consumer = Consumer(
            {
                **reader_config(settings, name),
                "auto.offset.reset": "earliest",  # where records expire while they are read, the account shows a gap
            }
        )

    def partition_offsets(self, topic: str) -> list[PartitionOffsets]:
        """Of all partitions. The commits are read before the ends: work only goes on in between."""
        numbers = self._partitions(topic)
        known_as = await_topic_id(TopicIds(self._admin, topic).request())
        committed = retry_transient(lambda: self._committed(topic, numbers), REQUEST_TIMEOUT_SECONDS)
        watermarks = Watermarks(self._admin, topic)
        retry_transient(lambda: watermarks.fetch(numbers), REQUEST_TIMEOUT_SECONDS)
        readable = self._readable_ends(topic, numbers)
        return [
            PartitionOffsets(number, known_as, low, high, min(readable[number], high), committed[number])
            for number, (low, high) in sorted(watermarks.known.items())
        ]

    def records(self, topic: str, spans: Iterable[Span]) -> Iterator[list[TopicItem]]:
        """What stands within the spans, in batches of some megabytes; those of a partition in their order."""
        ranges = {partition: ReadRange(first, end) for partition, first, end in spans if first < end}
        idle_since = time.monotonic()
        with self._assigned(topic, ranges):
            while ranges:
                waiting = len(ranges)
                if batch := list(self._next_batch(topic, ranges)):
                    yield batch
                if batch or len(ranges) < waiting:
                    idle_since = time.monotonic()
                elif time.monotonic() - idle_since > IDLE_TIMEOUT_SECONDS:
                    raise KafkaException(_idle_error(ranges))

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        described = self._consumer.list_topics(topic, REQUEST_TIMEOUT_SECONDS).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        return sorted(described.partitions)

    def _committed(self, topic: str, numbers: list[int]) -> dict[int, CommittedOffset | None]:
        partitions = [TopicPartition(topic, number) for number in numbers]
        return {
            one.partition: None if one.offset == OFFSET_INVALID else CommittedOffset(one.offset, one.metadata or "")
            for one in self._consumer.committed(partitions, timeout=REQUEST_TIMEOUT_SECONDS)
        }

    def _readable_ends(self, topic: str, numbers: list[int]) -> dict[int, int]:
        """Where the log ends for a reader: before what stands in or behind a transaction that has not ended."""
        places = [TopicPartition(topic, number) for number in numbers]
        asked = self._admin.list_offsets(
            dict.fromkeys(places, LATEST),
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=REQUEST_TIMEOUT_SECONDS,
        )
        return {place.partition: int(asked[place].result().offset) for place in places}

    def _next_batch(self, topic: str, ranges: dict[int, ReadRange]) -> Iterator[TopicItem]:
        """What has come of the spans; one that was read to its end is taken out of `rests`.

        The broker's word that the log ends counts as well: what stands last may be a mark that no reader is shown.
        """
        reseeked: set[int] = set()
        for message in poll_batch(self._consumer, POLL_SECONDS):
            number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() not in PARTITION_ERRORS:
                raise KafkaException(error)
            if number not in ranges or number in reseeked:
                continue
            rest = ranges[number]
            if error is None:
                rest.next = offset + 1
                if offset < rest.end:
                    yield message
            elif error.code() in CORRUPT_BATCH_ERRORS:
                reseeked.add(number)
                yield from self._skip_corrupt(rest, TopicPartition(topic, number, offset), error)
            else:
                rest.next = rest.end
            if rest.next >= rest.end:
                del ranges[number]

    def _skip_corrupt(self, rest: ReadRange, begins_at: TopicPartition, error: KafkaError) -> Iterator[CorruptRecord]:
        """Ask again for a batch that cannot be decoded; when it stays so, the record that is next is passed by."""
        skip = rest.corrupt_batches.skip(begins_at.offset, rest.next)
        self._consumer.seek(TopicPartition(begins_at.topic, begins_at.partition, skip.seek_to))
        if skip.skipped is not None:
            rest.next = skip.seek_to
            if skip.skipped < rest.end:
                yield CorruptRecord(begins_at.partition, skip.skipped, error.str())

    @contextmanager
    def _assigned(self, topic: str, rests: dict[int, ReadRange]) -> Iterator[None]:
        self._consumer.assign([TopicPartition(topic, number, rest.next) for number, rest in rests.items()])
        try:
            yield
        finally:
            self._consumer.unassign()


def _idle_error(rests: dict[int, ReadRange]) -> KafkaError:
    """An uncompressed batch that is no batch any more makes librdkafka silent, as a broker does that is away."""
    where = ", ".join(f"partition {number} gives nothing from offset {rest.next} on" for number, rest in rests.items())
    return KafkaError(KafkaError._TIMED_OUT, where)  # noqa: SLF001  librdkafka's own name
