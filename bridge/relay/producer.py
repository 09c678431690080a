"""Publishes outbox rows and returns the outcome of each: delivered, permanently rejected, or to be tried again."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.kafka.config import Config, client_config, is_fatal
from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES, MAX_WORK_BATCH_BYTES
from bridge.kafka.trouble import client_trouble
from bridge.relay.outbox import Delivered, DeliveryTimeout, OutboxRow, Rejected
from contracts.foreign_items import INSTALLATION_HEADER
from contracts.settings import Settings
from contracts.source_headers import Headers
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

DELIVERY_TIMEOUT_MS: Final = 8_000
"""How long librdkafka tries to deliver a record before it reports a failure."""

MAX_WAIT_SECONDS: Final = DELIVERY_TIMEOUT_MS / 1000 + 1.5
"""The longest wait for all delivery reports of a batch: librdkafka checks for overdue records once a second."""

REFUSED_SECONDS: Final = 10.0
"""How long a refusal is remembered. The next attempt, which renews it, comes within about half of that."""

FLUSH_SECONDS: Final = 0.25
"""One slice of the wait for reports. After each, the process touches its heartbeat file and checks whether to stop."""

UNKNOWN_TOPIC_MS: Final = 1_000
"""How long a topic that the broker does not know delays the batch before it is reported as unknown."""


class ErrorScope(Enum):
    """What an error affects."""

    ROW = "Kafka will never accept this row"
    TOPIC = "Kafka accepts no row of this topic until the operator fixes it"
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
    "The clock of this machine or of a Kafka broker is wrong, so Kafka rejects the timestamps of records. "
    "The rows wait in the outbox and are published when the clock is right"
)
"""The rows carry no timestamps, so they can be published unchanged once the clock is right."""


def _error_scope(code: int) -> ErrorScope:
    """Return what an error code affects.

    A missing authorisation affects the topic: its rows can be published once the permission is granted.
    """
    if code in _ROW_ERRORS:
        return ErrorScope.ROW
    return ErrorScope.TOPIC if code in _TOPIC_ERRORS else ErrorScope.KAFKA


@dataclass(slots=True)
class PublishOutcome:
    """The outcome of a batch. Rows that are in no list stay in the outbox and are tried again."""

    delivered: list[Delivered] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    timed_out: list[DeliveryTimeout] = field(default_factory=list)
    paused_topics: dict[str, str] = field(default_factory=dict)
    """Topics that accept nothing now, and the name of Kafka's error."""
    wait_reason: str = ""
    """Why rows have to wait; empty when none has to."""
    alarm: str = ""
    """What the operator has to fix before Kafka accepts them; empty when the cause is temporary."""
    unreported: int = 0
    """Records whose delivery report is still missing."""

    def add_error(self, row: OutboxRow, error: KafkaError) -> None:
        """Add the error of a row, by its scope."""
        match _error_scope(error.code()):
            case ErrorScope.ROW:
                self.rejected.append(Rejected(row, f"{error.name()}: {error.str()}"))
            case ErrorScope.TOPIC:
                self.paused_topics[row.topic] = error.name()
            case ErrorScope.KAFKA:
                self.wait_reason = client_trouble(error).detail
                self.alarm = WRONG_CLOCK_ADVICE if error.code() == KafkaError.INVALID_TIMESTAMP else self.alarm

    def merged_with(self, other: "PublishOutcome") -> "PublishOutcome":
        """Return both outcomes combined, without their unreported records."""
        return PublishOutcome(
            self.delivered + other.delivered,
            self.rejected + other.rejected,
            self.timed_out + other.timed_out,
            self.paused_topics | other.paused_topics,
            self.wait_reason or other.wait_reason,
            self.alarm or other.alarm,
        )


class OutboxProducer:
    """Publishes through an idempotent producer, which is created on first use and replaced after a fatal error.

    While it waits it calls `touch_heartbeat`, and it stops waiting when `may_wait` returns False.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        touch_heartbeat: Callable[[], None],
        may_wait: Callable[[], bool],
        installation_id: str = "",
    ) -> None:
        """Each record carries the `installation_id`, unless it is empty."""
        self._installation_id = installation_id
        self._config = _producer_config(settings)
        self._touch_heartbeat = touch_heartbeat
        self._may_wait = may_wait
        self._work_topic = settings.kafka_topic
        self._refused_until = float("-inf")
        self._producer: Producer | None = None

    def publish(self, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """Send all rows and wait until each is acknowledged or has failed, for at most MAX_WAIT_SECONDS.

        A producer whose reports are late is dropped together with the records it still holds, so that they do not
        accumulate in it.
        """
        outcome, producer = PublishOutcome(), self._producer_or_new()
        for row in rows:
            self._send(producer, row, outcome)
        self._wait(producer, outcome)
        if outcome.unreported:
            outcome.wait_reason = outcome.wait_reason or f"{outcome.unreported} records were not acknowledged in time"
            self._producer = None
        return outcome

    def publish_one_by_one(self, rows: Iterable[OutboxRow], *, seconds: float) -> PublishOutcome:
        """Send the rows separately, so that a rejection concerns exactly one row.

        Stops after `seconds`, or when Kafka is unavailable; the remaining rows stay in the outbox.
        """
        outcome, until = PublishOutcome(), time.monotonic() + seconds
        for row in rows:
            outcome = outcome.merged_with(self.publish([row]))
            if outcome.wait_reason or time.monotonic() > until:
                break
        return outcome

    @property
    def is_refused(self) -> bool:
        """Whether Kafka refuses the login of this process, or the records of the work topic."""
        return time.monotonic() < self._refused_until

    def poll_events(self) -> None:
        """Let librdkafka deliver its errors and log lines while there is nothing to send.

        This also creates the producer, so that it has its producer id before the first row.
        """
        self._producer_or_new().poll(0)

    def _producer_or_new(self) -> Producer:
        if self._producer is None:
            self._producer = Producer({**self._config, "error_cb": self._on_client_error})
        return self._producer

    def _send(self, producer: Producer, row: OutboxRow, outcome: PublishOutcome) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            self._report(outcome, row, error, message)

        try:
            producer.produce(row.topic, row.value, row.kafka_key(), headers=[*self._headers(row)], on_delivery=report)
            outcome.unreported += 1
        except KafkaException as error:
            self._add_error(outcome, row, error.args[0])
        except BufferError as error:
            outcome.wait_reason = str(error)
        except (TypeError, ValueError) as error:
            outcome.rejected.append(Rejected(row, f"no record can be made of the row: {error}"))

    def _headers(self, row: OutboxRow) -> Headers:
        """Return the row's headers and the sender, in place of the one that a record had when it is written again."""
        if not self._installation_id:
            return row.kafka_headers()
        own = (INSTALLATION_HEADER, self._installation_id.encode())
        return [*(pair for pair in row.kafka_headers() if pair[0] != INSTALLATION_HEADER), own]

    def _report(self, outcome: PublishOutcome, row: OutboxRow, error: KafkaError | None, message: Message) -> None:
        outcome.unreported -= 1
        if error is None:
            self._note_refused(row, is_refused=False)
            outcome.delivered.append(Delivered(row, message.partition() or 0, message.offset() or 0))
            return
        self._add_error(outcome, row, error)
        if _error_scope(error.code()) is ErrorScope.KAFKA:
            outcome.timed_out.append(DeliveryTimeout(row, message.partition() or 0))

    def _add_error(self, outcome: PublishOutcome, row: OutboxRow, error: KafkaError) -> None:
        outcome.add_error(row, error)
        is_refused = client_trouble(error).is_refusal or _error_scope(error.code()) is ErrorScope.TOPIC
        self._note_refused(row, is_refused=is_refused)
        self._on_error(error)

    def _note_refused(self, row: OutboxRow, *, is_refused: bool) -> None:
        """Note what Kafka said of a row. Thoughts wait only for the rows of the work topic."""
        if row.topic == self._work_topic:
            self._refused_until = time.monotonic() + REFUSED_SECONDS if is_refused else float("-inf")

    def _wait(self, producer: Producer, outcome: PublishOutcome) -> None:
        """Wait until all delivery reports have arrived, the time is over, or `may_wait` returns False.

        The reports are counted in `outcome`, because the number that `flush` returns includes librdkafka's errors and
        log lines.
        """
        until = time.monotonic() + MAX_WAIT_SECONDS
        while outcome.unreported and time.monotonic() < until and self._may_wait():
            producer.flush(FLUSH_SECONDS)
            self._touch_heartbeat()

    def _on_client_error(self, error: KafkaError) -> None:
        if client_trouble(error).is_refusal:
            self._refused_until = time.monotonic() + REFUSED_SECONDS
        self._on_error(error)

    def _on_error(self, error: KafkaError) -> None:
        if is_fatal(error):
            log.error("Kafka's producer failed permanently and is replaced: %s", error.str())
            self._producer = None
        elif (trouble := client_trouble(error)).is_refusal:
            log_trouble(log, trouble, "the rows wait in the outbox")


def _producer_config(settings: Settings) -> Config:
    """Return the configuration of an idempotent producer that waits for all replicas.

    Its timeouts keep the surrounding transaction short. A producer batch must fit into a record batch of the work
    topic, or the broker would reject rows that are small enough.
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
