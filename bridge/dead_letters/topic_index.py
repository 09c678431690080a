"""Indexes the records of the dead letter topic by failure id, and finds dead letters that the topic lacks."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import text

from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.start_offset import PartitionOffsets
from bridge.kafka.topic_reader import Span, TopicItem, TopicReader
from bridge.records.decode import decode_headers, sender_of_record, without_sender
from contracts.database import Database, Row
from contracts.dead_letters import CANCELLED, read_headers
from contracts.foreign_items import is_foreign

PAGE_SIZE: Final = 5_000
"""Dead letters per statement."""

EXPECTED_IN_TOPIC: Final = text("""
    SELECT failure_id, COALESCE(CAST(thought_id AS text), '-') AS thought, kafka_partition, kafka_offset
      FROM dead_letters l
     WHERE (kafka_offset IS NOT NULL
            OR reason <> :cancelled AND NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id))
       AND failure_id > :after ORDER BY failure_id LIMIT :page
""")
"""Dead letters that Kafka has acknowledged, and those that were lost on the way: without position and outbox row.

Those of cancelled thoughts are never published."""

TopicPosition = tuple[str, int, int]
"""Failure id, partition and offset of a record."""


def expected_in_topic(database: Database) -> Iterator[Row]:
    """Yield each dead letter that should be in the topic, with its position there if Kafka has acknowledged it.

    Raises SQLAlchemyError when PostgreSQL is unavailable.
    """
    after = ""
    while page := database.rows(EXPECTED_IN_TOPIC, after=after, page=PAGE_SIZE, cancelled=CANCELLED):
        yield from page
        after = page[-1].failure_id


class TopicContents:
    """The dead letters that the topic holds. It is kept between readings and then reads only new records."""

    def __init__(self, reader: TopicReader, topic: str) -> None:
        self._reader = reader
        self._topic = topic
        self._last_read: dict[int, PartitionOffsets] = {}
        """The offsets of the last reading, by partition."""
        self.positions: dict[str, tuple[int, int]] = {}
        """Failure id -> partition and offset."""

    def read(self, own_id: str = "") -> None:
        """Read the new records. A topic that was recreated or has lost its last records is read from the start again.

        With an `own_id`, dead letters of other installations are ignored.

        Expired records are forgotten, so that a relay's audit holds no more than the topic does. Raises KafkaException
        when Kafka is unavailable or the topic is missing.
        """
        offsets = {partition.partition: partition for partition in self._reader.partition_offsets(self._topic)}
        if any(self._was_replaced(partition) for partition in offsets.values()):
            self._last_read, self.positions = {}, {}
        self.positions = {
            failure_id: position
            for failure_id, position in self.positions.items()
            if position[1] >= offsets[position[0]].low
        }
        for messages in self._reader.records(self._topic, map(self._unread, offsets.values())):
            positions = [_topic_position(message, own_id) for message in messages]
            self.positions |= {position[0]: position[1:] for position in positions if position}
        self._last_read = offsets

    def _was_replaced(self, now: PartitionOffsets) -> bool:
        before = self._last_read.get(now.partition)
        return before is not None and (before.topic_id != now.topic_id or before.readable > now.high)

    def _unread(self, now: PartitionOffsets) -> Span:
        before = self._last_read.get(now.partition)
        return now.partition, max(now.low, before.readable if before else 0), now.readable

    def is_missing(self, letter: Row) -> bool:
        """Return whether the topic should hold a dead letter and does not.

        `letter` is a row of `expected_in_topic` that was read before the topic. Expired records are not missing, but in
        a recreated topic they cannot be distinguished from missing ones. A record at an offset that an open transaction
        withholds is not missing either, because no reader is shown it yet.
        """
        return letter.failure_id not in self.positions and not self._is_expired_or_withheld(letter)

    def _is_expired_or_withheld(self, letter: Row) -> bool:
        partition, offset = self._last_read.get(letter.kafka_partition), letter.kafka_offset
        return (
            partition is not None
            and offset is not None
            and (offset < partition.low or partition.readable <= offset < partition.high)
        )


def read_dead_letter(message: TopicItem, own_id: str) -> tuple[str, dict[str, Any]] | None:
    """Return the failure id and the headers of a dead letter.

    Returns None for a record that cannot be decoded, is no dead letter of this system, or is another installation's.
    """
    if isinstance(message, CorruptRecord):
        return None
    headers = decode_headers(message)
    if is_foreign(sender_of_record(headers), own_id):
        return None
    return read_headers(without_sender(headers))


def _topic_position(message: TopicItem, own_id: str) -> TopicPosition | None:
    """Return None for a record that is no dead letter of this installation, by the same rule as a rebuild."""
    if isinstance(message, CorruptRecord):
        return None
    parsed = read_dead_letter(message, own_id)
    return None if parsed is None else (parsed[0], message.partition() or 0, message.offset() or 0)
