"""Publishes outbox rows and says of each what became of it: delivered, refused for good, or to be tried again."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.kafka.config import Config, client_config, is_fatal
from bridge.kafka.topics import MAX_DEAD_LETTER_RECORD_BYTES, MAX_WORK_BATCH_BYTES
from bridge.relay.outbox import Delivered, DeliveryTimeout, OutboxRow, Rejected
from contracts.settings import Settings

log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_MS: Final = 8_000
"""How long librdkafka tries to deliver a record before it reports that it could not."""

MAX_WAIT_SECONDS: Final = DELIVERY_TIMEOUT_MS / 1000 + 1.5
"""The longest wait for all reports of a batch: librdkafka looks for overdue records once a second."""

FLUSH_SECONDS: Final = 0.25
"""Between two slices of the wait the process shows that it is alive and hears that it shall stop."""

UNKNOWN_TOPIC_MS: Final = 1_000
"""How long a topic that the broker does not name holds up the batch before it is reported as unknown."""


class ErrorScope(Enum):
    """What an error means for the row that met it."""

    ROW = "this row will never be taken"
    TOPIC = "no row of this topic is taken until somebody mends it"
    KAFKA = "Kafka is unavailable or busy"


_ROW_ERRORS: Final = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError._BAD_MSG,  # noqa: SLF001  librdkafka's local codes have public names of this form
        KafkaError._INVALID_ARG,  # noqa: SLF001
    }
)

_TOPIC_ERRORS: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)


WRONG_CLOCK_ADVICE: Final = (
    "the clock of this machine or of Kafka's is wrong: Kafka takes no record that is stamped with it"
)
"""The rows have no times, so that they are as good as before once the clock is right."""


def error_scope(code: int) -> ErrorScope:
    """Sort an error code once. An authorisation is the topic's matter: the row is good when somebody grants it."""
    if code in _ROW_ERRORS:
        return ErrorScope.ROW
    return ErrorScope.TOPIC if code in _TOPIC_ERRORS else ErrorScope.KAFKA


@dataclass(slots=True)
class PublishOutcome:
    """What became of a batch. Rows that are in no list wait in the outbox for another try."""

    delivered: list[Delivered] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    timed_out: list[DeliveryTimeout] = field(default_factory=list)
    paused_topics: dict[str, str] = field(default_factory=dict)
    """Topics that take nothing now, and what Kafka said."""
    trouble: str = ""
    """Why rows have to wait; empty when none has to."""
    alarm: str = ""
    """What somebody has to mend before they are taken."""
    unreported: int = 0

    def add_error(self, row: OutboxRow, error: KafkaError) -> None:
        """Note the error that a row met."""
        match error_scope(error.code()):
            case ErrorScope.ROW:
                self.rejected.append(Rejected(row, f"{error.name()}: {error.str()}"))
            case ErrorScope.TOPIC:
                self.paused_topics[row.topic] = error.name()
            case ErrorScope.KAFKA:
                self.trouble = f"{error.name()}: {error.str()}"
                self.alarm = WRONG_CLOCK_ADVICE if error.code() == KafkaError.INVALID_TIMESTAMP else self.alarm

    def merged_with(self, other: "PublishOutcome") -> "PublishOutcome":
        """Both outcomes in one."""
        return PublishOutcome(
            self.delivered + other.delivered,
            self.rejected + other.rejected,
            self.timed_out + other.timed_out,
            self.paused_topics | other.paused_topics,
            self.trouble or other.trouble,
            self.alarm or other.alarm,
        )


class OutboxProducer:
    """An idempotent producer that is made when it is first needed and made anew after a fatal error."""

    def __init__(self, settings: Settings, *, show_life: Callable[[], None], may_wait: Callable[[], bool]) -> None:
        self._config = producer_config(settings)
        self._show_life = show_life
        self._may_wait = may_wait
        self._producer: Producer | None = None

    def publish(self, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """Send all rows and wait until each is acknowledged or has failed, at most WAIT_SECONDS.

        A producer that did not report in time is dropped with what it still holds, so that nothing piles up in it.
        """
        outcome, producer = PublishOutcome(), self._producer_or_new()
        for row in rows:
            self._send(producer, row, outcome)
        self._wait(producer, outcome)
        if outcome.unreported:
            outcome.trouble = outcome.trouble or f"{outcome.unreported} records were not acknowledged in time"
            self._producer = None
        return outcome

    def publish_one_by_one(self, rows: Iterable[OutboxRow], *, seconds: float) -> PublishOutcome:
        """Send each row by itself, so that a refusal can only mean this row.

        No new row is begun after `seconds`, nor when Kafka is unavailable.
        """
        outcome, until = PublishOutcome(), time.monotonic() + seconds
        for row in rows:
            outcome = outcome.merged_with(self.publish([row]))
            if outcome.trouble or time.monotonic() > until:
                break
        return outcome

    def poll_events(self) -> None:
        """Let librdkafka tell its errors and log lines while there is nothing to send.

        The producer is made here, so that it has its producer id before the first row.
        """
        self._producer_or_new().poll(0)

    def _producer_or_new(self) -> Producer:
        if self._producer is None:
            self._producer = Producer({**self._config, "error_cb": self._on_error})
        return self._producer

    def _send(self, producer: Producer, row: OutboxRow, outcome: PublishOutcome) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            self._report(outcome, row, error, message)

        try:
            producer.produce(row.topic, row.value, row.kafka_key(), headers=[*row.kafka_headers()], on_delivery=report)
            outcome.unreported += 1
        except KafkaException as refused:
            self._add_error(outcome, row, refused.args[0])
        except BufferError as full:
            outcome.trouble = str(full)
        except (TypeError, ValueError) as unusable:
            outcome.rejected.append(Rejected(row, f"the row makes no record: {unusable}"))

    def _report(self, outcome: PublishOutcome, row: OutboxRow, error: KafkaError | None, message: Message) -> None:
        outcome.unreported -= 1
        if error is None:
            outcome.delivered.append(Delivered(row, message.partition() or 0, message.offset() or 0))
            return
        self._add_error(outcome, row, error)
        if error_scope(error.code()) is ErrorScope.KAFKA:
            outcome.timed_out.append(DeliveryTimeout(row, message.partition() or 0))

    def _add_error(self, outcome: PublishOutcome, row: OutboxRow, error: KafkaError) -> None:
        outcome.add_error(row, error)
        self._on_error(error)

    def _wait(self, producer: Producer, outcome: PublishOutcome) -> None:
        """Until all reports are in, the time is over, or `waits` says that nobody waits any longer.

        What `flush` returns counts librdkafka's errors and log lines too, so the reports are counted here.
        """
        until = time.monotonic() + MAX_WAIT_SECONDS
        while outcome.unreported and time.monotonic() < until and self._may_wait():
            producer.flush(FLUSH_SECONDS)
            self._show_life()

    def _on_error(self, error: KafkaError) -> None:
        if is_fatal(error):
            log.error("Kafka's producer gave up and is made anew: %s", error.str())
            self._producer = None


def producer_config(settings: Settings) -> Config:
    """An idempotent producer that waits for all replicas, within bounds the transaction around it relies on.

    A batch must fit into a record batch of the work topic, or the broker would refuse rows that are small enough.
    """
    return {
        **client_config(settings, "relay"),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": settings.kafka_linger_ms,
        "batch.size": min(settings.kafka_batch_size, MAX_WORK_BATCH_BYTES),
        "message.max.bytes": MAX_DEAD_LETTER_RECORD_BYTES,
        "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
        "request.timeout.ms": DELIVERY_TIMEOUT_MS // 2,
        "topic.metadata.propagation.max.ms": UNKNOWN_TOPIC_MS,
    }
