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

from bridge.kafka.config import client_config, drained, reader_config
from bridge.kafka.corrupt_batches import DAMAGED, EXPECTED, Damage, Damaged
from bridge.kafka.retry import until_answered
from bridge.kafka.start_offset import Committed, Position
from bridge.kafka.topic_ids import TopicIds, topic_id
from bridge.kafka.watermarks import LAST, Watermarks
from contracts.settings import Settings

ANSWER_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 30.0
"""After this long without a record or the end of a partition, Kafka is away."""

Stands: TypeAlias = "Message[bytes, bytes] | Damaged"
"""What stands at an offset."""

Span = tuple[int, int, int]
"""Partition, first offset, and the offset behind the last."""


@dataclass(slots=True)
class Rest:
    """What of a partition is still to be read."""

    next: int
    end: int
    damage: Damage = field(default_factory=Damage)


class Log:
    """Reads topics from outside; `name` is shown in the broker's log. Methods raise KafkaException when it is away."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._admin = AdminClient(client_config(settings, name))
        self._consumer = Consumer(
            {
                **reader_config(settings, name),
                "auto.offset.reset": "earliest",  # where records expire while they are read, the account shows a gap
            }
        )

    def positions(self, topic: str) -> list[Position]:
        """Of all partitions. The commits are read before the ends: work only goes on in between."""
        numbers = self._partitions(topic)
        known_as = topic_id(TopicIds(self._admin, topic).ask())
        committed = until_answered(lambda: self._committed(topic, numbers), ANSWER_SECONDS)
        watermarks = Watermarks(self._admin, topic)
        until_answered(lambda: watermarks.ask(numbers), ANSWER_SECONDS)
        readable = self._readable(topic, numbers)
        return [
            Position(number, known_as, low, high, min(readable[number], high), committed[number])
            for number, (low, high) in sorted(watermarks.known.items())
        ]

    def records(self, topic: str, spans: Iterable[Span]) -> Iterator[list[Stands]]:
        """What stands within the spans, in batches of some megabytes; those of a partition in their order."""
        rests = {partition: Rest(first, end) for partition, first, end in spans if first < end}
        quiet_since = time.monotonic()
        with self._assigned(topic, rests):
            while rests:
                waiting = len(rests)
                if batch := list(self._batch(topic, rests)):
                    yield batch
                if batch or len(rests) < waiting:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > SILENCE_SECONDS:
                    raise KafkaException(_silent(rests))

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        described = self._consumer.list_topics(topic, ANSWER_SECONDS).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        return sorted(described.partitions)

    def _committed(self, topic: str, numbers: list[int]) -> dict[int, Committed | None]:
        partitions = [TopicPartition(topic, number) for number in numbers]
        return {
            one.partition: None if one.offset == OFFSET_INVALID else Committed(one.offset, one.metadata or "")
            for one in self._consumer.committed(partitions, timeout=ANSWER_SECONDS)
        }

    def _readable(self, topic: str, numbers: list[int]) -> dict[int, int]:
        """Where the log ends for a reader: before what stands in or behind a transaction that has not ended."""
        places = [TopicPartition(topic, number) for number in numbers]
        asked = self._admin.list_offsets(
            dict.fromkeys(places, LAST), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=ANSWER_SECONDS
        )
        return {place.partition: int(asked[place].result().offset) for place in places}

    def _batch(self, topic: str, rests: dict[int, Rest]) -> Iterator[Stands]:
        """What has come of the spans; one that was read to its end is taken out of `rests`.

        The broker's word that the log ends counts as well: what stands last may be a mark that no reader is shown.
        """
        elsewhere: set[int] = set()
        for message in drained(self._consumer, POLL_SECONDS):
            number, offset, error = message.partition() or 0, message.offset() or 0, message.error()
            if error is not None and error.code() not in EXPECTED:
                raise KafkaException(error)
            if number not in rests or number in elsewhere:
                continue
            rest = rests[number]
            if error is None:
                rest.next = offset + 1
                if offset < rest.end:
                    yield message
            elif error.code() in DAMAGED:
                elsewhere.add(number)
                yield from self._pass_by(rest, TopicPartition(topic, number, offset), error)
            else:
                rest.next = rest.end
            if rest.next >= rest.end:
                del rests[number]

    def _pass_by(self, rest: Rest, begins_at: TopicPartition, error: KafkaError) -> Iterator[Damaged]:
        """Ask again for a batch that cannot be decoded; when it stays so, the record that is next is passed by."""
        number, offset = begins_at.partition, max(begins_at.offset, rest.next)
        is_certain = rest.damage.is_certain(begins_at.offset)
        self._consumer.seek(TopicPartition(begins_at.topic, number, offset + is_certain))
        if is_certain:
            rest.next = offset + 1
            if offset < rest.end:
                yield Damaged(number, offset, error.str())

    @contextmanager
    def _assigned(self, topic: str, rests: dict[int, Rest]) -> Iterator[None]:
        self._consumer.assign([TopicPartition(topic, number, rest.next) for number, rest in rests.items()])
        try:
            yield
        finally:
            self._consumer.unassign()


def _silent(rests: dict[int, Rest]) -> KafkaError:
    """An uncompressed batch that is no batch any more makes librdkafka silent, as a broker does that is away."""
    where = ", ".join(f"partition {number} gives nothing from offset {rest.next} on" for number, rest in rests.items())
    return KafkaError(KafkaError._TIMED_OUT, where)  # noqa: SLF001  librdkafka's own name
