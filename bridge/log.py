"""Topics, looked at from outside: the ends of the logs, what the group committed, and the records themselves.

Who looks belongs to the group by name only, as it must to be told of its commits: it never subscribes and commits
nothing, so no partition moves because somebody counts or reads.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from bridge.kafka import client_config
from bridge.positions import Committed, Position
from bridge.topic_ids import TopicIds, topic_id
from bridge.watermarks import watermarks
from contracts.settings import Settings

ANSWER_SECONDS: Final = 10.0
BATCH: Final = 500
POLL_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 30.0
"""After this long without a record or the end of a partition, Kafka is away."""

COORDINATOR_MOVES: Final = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE}
)
"""What a broker answers while it gives a group its coordinator; it is asked again."""

AGAIN_SECONDS: Final = 0.2

Span = tuple[int, int, int]
"""Partition, first offset, and the offset behind the last."""


class Log:
    """Reads topics from outside; `name` is shown in the broker's log. Methods raise KafkaException when it is away."""

    def __init__(self, settings: Settings, name: str) -> None:
        config = client_config(settings, name)
        self._admin = AdminClient(config)
        self._consumer = Consumer(
            {
                **config,
                "group.id": settings.kafka_consumer_group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",  # where records expire while they are read, the account shows a gap
            }
        )

    def positions(self, topic: str) -> list[Position]:
        """Of all partitions. The commits are read before the ends: work only goes on in between."""
        partitions = [TopicPartition(topic, number) for number in self._partitions(topic)]
        known_as = topic_id(TopicIds(self._admin, topic).ask())
        committed = {
            one.partition: None if one.offset == OFFSET_INVALID else Committed(one.offset, one.metadata or "")
            for one in self._committed(partitions)
        }
        return [self._position(one, known_as, committed[one.partition]) for one in partitions]

    def records(self, topic: str, spans: Iterable[Span]) -> "Iterator[list[Message[bytes, bytes]]]":
        """What stands within the spans, in batches; those of a partition in their order."""
        ends = {partition: (first, end) for partition, first, end in spans if first < end}
        quiet_since = time.monotonic()
        with self._assigned(topic, ends):
            while ends:
                waiting = len(ends)
                batch = [one for one in self._consumer.consume(BATCH, POLL_SECONDS) if _belongs(one, ends)]
                if batch:
                    yield batch
                if batch or len(ends) < waiting:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > SILENCE_SECONDS:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001  librdkafka's own name

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        described = self._consumer.list_topics(topic, ANSWER_SECONDS).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        return sorted(described.partitions)

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return list(self._consumer.committed(partitions, timeout=ANSWER_SECONDS))
            except KafkaException as refused:
                if refused.args[0].code() not in COORDINATOR_MOVES or time.monotonic() > until:
                    raise
                time.sleep(AGAIN_SECONDS)

    def _position(self, partition: TopicPartition, known_as: str, committed: Committed | None) -> Position:
        low, high = watermarks(self._admin, partition)
        return Position(partition.partition, known_as, low, high, committed)

    @contextmanager
    def _assigned(self, topic: str, ends: dict[int, tuple[int, int]]) -> Iterator[None]:
        self._consumer.assign([TopicPartition(topic, partition, first) for partition, (first, _) in ends.items()])
        try:
            yield
        finally:
            self._consumer.unassign()


def _belongs(message: "Message[bytes, bytes]", ends: dict[int, tuple[int, int]]) -> bool:
    """Whether the message is a record within its span; a span that was read to its end is taken out of `ends`.

    The broker's word that the log ends counts as well: what stands last may be a mark that no reader is shown.
    """
    partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  librdkafka's own name
        raise KafkaException(error)
    if partition not in ends:
        return False
    _, end = ends[partition]
    if error is not None or offset >= end - 1:
        del ends[partition]
    return error is None and offset < end
