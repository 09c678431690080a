"""What stands in the dead letter topic, by failure id, and which dead letter of the index is missed there."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text

from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.start_offset import PartitionOffsets
from bridge.kafka.topic_reader import Span, TopicItem, TopicReader
from bridge.records.decode import decode_headers
from contracts.database import Database, Row
from contracts.dead_letters import read_headers

PAGE_SIZE: Final = 5_000

EXPECTED_IN_TOPIC: Final = text("""
    SELECT failure_id, COALESCE(CAST(thought_id AS text), '-') AS thought, kafka_partition, kafka_offset
      FROM dead_letters l
     WHERE (kafka_offset IS NOT NULL OR NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id))
       AND failure_id > :after ORDER BY failure_id LIMIT :page
""")
"""What Kafka acknowledged, and what was lost on the way to it: it has no place there, and no row in the outbox."""

TopicPosition = tuple[str, int, int]
"""Failure id, partition and offset of a record."""


def expected_in_topic(database: Database) -> Iterator[Row]:
    """Each dead letter of the index that should be in the topic, with its place there if Kafka gave it one."""
    after = ""
    while page := database.rows(EXPECTED_IN_TOPIC, after=after, page=PAGE_SIZE):
        yield from page
        after = page[-1].failure_id


class TopicIndex:
    """Kept from one reading to the next, it reads of the topic only what is new."""

    def __init__(self, log: TopicReader, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._seen: dict[int, PartitionOffsets] = {}
        """What was last read, by partition."""
        self.positions: dict[str, tuple[int, int]] = {}
        """Failure id -> partition and offset."""

    def read(self) -> None:
        """A topic that was made anew, or has lost records at its end, is read from its first record again.

        What expired is forgotten, so that a relay's audit holds no more than the topic does. Raises KafkaException.
        """
        positions = {one.partition: one for one in self._log.partition_offsets(self._topic)}
        if any(self._was_replaced(one) for one in positions.values()):
            self._seen, self.positions = {}, {}
        self.positions = {name: at for name, at in self.positions.items() if at[1] >= positions[at[0]].low}
        for messages in self._log.records(self._topic, map(self._unread, positions.values())):
            self.positions |= {place[0]: place[1:] for place in map(_topic_position, messages) if place}
        self._seen = positions

    def _was_replaced(self, position: PartitionOffsets) -> bool:
        seen = self._seen.get(position.partition)
        return seen is not None and (seen.topic_id != position.topic_id or seen.readable > position.high)

    def _unread(self, position: PartitionOffsets) -> Span:
        seen = self._seen.get(position.partition)
        return position.partition, max(position.low, seen.readable if seen else 0), position.readable

    def is_missing(self, letter: Row) -> bool:
        """Whether a dead letter should be there and is not: of a row of the index that was read before the topic.
        Expired records are not missed; in a topic made anew they cannot be told from the others. Nor is what may stand
        behind a transaction that has not ended: no reader is shown it yet."""
        return letter.failure_id not in self.positions and not self._cannot_be_seen(letter)

    def _cannot_be_seen(self, letter: Row) -> bool:
        at, offset = self._seen.get(letter.kafka_partition), letter.kafka_offset
        return at is not None and offset is not None and (offset < at.low or at.readable <= offset < at.high)


def _topic_position(message: TopicItem) -> TopicPosition | None:
    """None for a record that is no dead letter of ours: it is read as by who rebuilds the table."""
    if isinstance(message, CorruptRecord):
        return None
    told = read_headers(decode_headers(message))
    return None if told is None else (told[0], message.partition() or 0, message.offset() or 0)
