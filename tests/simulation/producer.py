"""The relay's producer on the broker in memory."""

from collections.abc import Sequence
from typing import Final

from bridge.relay.outbox import Delivered, DeliveryTimeout, OutboxRow
from bridge.relay.producer import PublishOutcome
from tests.simulation.fibers import Outcome, PossibleOutcomes, park
from tests.simulation.kafka import PARTITIONS, Kafka

PUBLISH_OUTCOMES: Final = PossibleOutcomes(
    "kafka", frozenset({Outcome.ANSWER_LATE, Outcome.ANSWER_LOST, Outcome.UNREACHABLE, Outcome.PARTIAL})
)


class SimulatedProducer:
    """The relay's producer: the same outcomes, without librdkafka."""

    def __init__(self, kafka: Kafka, topic: str, dead_letter_topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._dead_letter_topic = dead_letter_topic

    def poll_events(self) -> None:
        """Do nothing: there are no events of librdkafka."""

    def publish(self, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """Publish all rows, some of them, or none. A row that is not acknowledged may be in the topic all the same."""
        outcome = park("publish", PUBLISH_OUTCOMES)
        if self._kafka.is_unavailable or outcome is Outcome.UNREACHABLE:
            return PublishOutcome(wait_reason="unavailable", timed_out=[self._timed_out(row) for row in rows])
        if outcome is Outcome.PARTIAL:
            *others, last = rows
            self._deliver(last)
            timed_out = [self._timed_out(row) for row in [*others[1::2], last]]
            return PublishOutcome([self._deliver(row) for row in others[::2]], timed_out=timed_out, wait_reason="busy")
        delivered = [self._deliver(row) for row in rows]
        if outcome is Outcome.ANSWER_LATE:
            park("answer to publish")
        if outcome is Outcome.ANSWER_LOST:
            return PublishOutcome(wait_reason="not acknowledged in time", unreported=len(rows))
        return PublishOutcome(delivered)

    def _timed_out(self, row: OutboxRow) -> DeliveryTimeout:
        return DeliveryTimeout(row, _partition(row) if row.topic == self._topic else 0)

    def _deliver(self, row: OutboxRow) -> Delivered:
        headers = row.kafka_headers()
        if row.topic == self._dead_letter_topic:
            failure_id = dict(headers).get("failure-id")
            self._kafka.dead_letter_ids.append(failure_id.decode() if failure_id else None)
        elif row.topic == self._topic:
            number = _partition(row)
            return Delivered(row, number, self._kafka.produce(row.value, headers, _key(row), number))
        return Delivered(row, 0, 0)


def _key(row: OutboxRow) -> bytes | None:
    key = row.kafka_key()
    return key.encode() if isinstance(key, str) else key


def _partition(row: OutboxRow) -> int:
    return sum(_key(row) or b"") % PARTITIONS
