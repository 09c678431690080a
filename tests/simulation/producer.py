"""The relay's publisher on the broker in memory."""

from collections.abc import Sequence
from typing import Final

from bridge.relay.outbox import Delivered, DeliveryTimeout, OutboxRow
from bridge.relay.producer import PublishOutcome
from tests.simulation.fibers import Fate, Means, park
from tests.simulation.kafka import PARTITIONS, Kafka

PUBLISHED: Final = Means("kafka", frozenset({Fate.LATE, Fate.LOST, Fate.AWAY, Fate.HALF}))


class Producer:
    """The relay's publisher: the same outcomes, without librdkafka."""

    def __init__(self, kafka: Kafka, topic: str, dead_topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._dead_topic = dead_topic

    def poll_events(self) -> None:
        """Nothing to tell."""

    def publish(self, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """All rows, some of them, or none; what is not acknowledged may be in the topic all the same."""
        fate = park("publish", PUBLISHED)
        if self._kafka.away or fate is Fate.AWAY:
            return PublishOutcome(trouble="away", timed_out=[self._late(row) for row in rows])
        if fate is Fate.HALF:
            *others, last = rows
            self._deliver(last)
            late = [self._late(row) for row in [*others[1::2], last]]
            return PublishOutcome([self._deliver(row) for row in others[::2]], timed_out=late, trouble="busy")
        delivered = [self._deliver(row) for row in rows]
        if fate is Fate.LATE:
            park("answer to publish")
        if fate is Fate.LOST:
            return PublishOutcome(trouble="not acknowledged in time", unreported=len(rows))
        return PublishOutcome(delivered)

    def _late(self, row: OutboxRow) -> DeliveryTimeout:
        return DeliveryTimeout(row, _partition(row) if row.topic == self._topic else 0)

    def _deliver(self, row: OutboxRow) -> Delivered:
        headers = row.kafka_headers()
        if row.topic == self._dead_topic:
            told = dict(headers).get("failure-id")
            self._kafka.dead.append(told.decode() if told else None)
        elif row.topic == self._topic:
            number = _partition(row)
            return Delivered(row, number, self._kafka.produce(row.value, headers, _key(row), number))
        return Delivered(row, 0, 0)


def _key(row: OutboxRow) -> bytes | None:
    key = row.kafka_key()
    return key.encode() if isinstance(key, str) else key


def _partition(row: OutboxRow) -> int:
    return sum(_key(row) or b"") % PARTITIONS
