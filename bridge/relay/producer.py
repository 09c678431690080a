"""Publishes outbox rows and says of each what became of it: delivered, refused for good, or to be tried again."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.kafka.config import Config, client_config, is_fatal
from bridge.kafka.topics import DEAD_LETTER_RECORD_BYTES, WORK_RECORD_BYTES
from bridge.relay.outbox import Delivered, Late, OutboxRow, Refused
from contracts.settings import Settings

log = logging.getLogger(__name__)

DELIVERY_MS: Final = 8_000
"""How long librdkafka tries to deliver a record before it reports that it could not."""

WAIT_SECONDS: Final = DELIVERY_MS / 1000 + 1.5
"""The longest wait for all reports of a batch: librdkafka looks for overdue records once a second."""

SLICE_SECONDS: Final = 0.25
"""Between two slices of the wait the process shows that it is alive and hears that it shall stop."""

UNKNOWN_TOPIC_MS: Final = 1_000
"""How long a topic that the broker does not name holds up the batch before it is reported as unknown."""


class Fate(Enum):
    """What an error means for the row that met it."""

    REFUSED = "this row will never be taken"
    TOPIC = "no row of this topic is taken until somebody mends it"
    LATER = "Kafka is away or busy"


_OF_THE_ROW: Final = frozenset(
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

_OF_THE_TOPIC: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)


WRONG_CLOCK: Final = "the clock of this machine or of Kafka's is wrong: Kafka takes no record that is stamped with it"
"""The rows have no times, so that they are as good as before once the clock is right."""


def fate(code: int) -> Fate:
    """Sort an error code once. An authorisation is the topic's matter: the row is good when somebody grants it."""
    if code in _OF_THE_ROW:
        return Fate.REFUSED
    return Fate.TOPIC if code in _OF_THE_TOPIC else Fate.LATER


@dataclass(slots=True)
class Outcome:
    """What became of a batch. Rows that are in no list wait in the outbox for another try."""

    delivered: list[Delivered] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Topics that take nothing now, and what Kafka said."""
    trouble: str = ""
    """Why rows have to wait; empty when none has to."""
    alarm: str = ""
    """What somebody has to mend before they are taken."""
    unreported: int = 0

    def meet(self, row: OutboxRow, error: KafkaError) -> None:
        """Note the error that a row met."""
        match fate(error.code()):
            case Fate.REFUSED:
                self.refused.append(Refused(row, f"{error.name()}: {error.str()}"))
            case Fate.TOPIC:
                self.missing[row.topic] = error.name()
            case Fate.LATER:
                self.trouble = f"{error.name()}: {error.str()}"
                self.alarm = WRONG_CLOCK if error.code() == KafkaError.INVALID_TIMESTAMP else self.alarm

    def plus(self, other: "Outcome") -> "Outcome":
        """Both outcomes in one."""
        return Outcome(
            self.delivered + other.delivered,
            self.refused + other.refused,
            self.late + other.late,
            self.missing | other.missing,
            self.trouble or other.trouble,
            self.alarm or other.alarm,
        )


class Publisher:
    """An idempotent producer that is made when it is first needed and made anew after a fatal error."""

    def __init__(self, settings: Settings, *, alive: Callable[[], None], waits: Callable[[], bool]) -> None:
        self._config = producer_config(settings)
        self._alive = alive
        self._waits = waits
        self._producer: Producer | None = None

    def publish(self, rows: Sequence[OutboxRow]) -> Outcome:
        """Send all rows and wait until each is acknowledged or has failed, at most WAIT_SECONDS.

        A producer that did not report in time is dropped with what it still holds, so that nothing piles up in it.
        """
        outcome, producer = Outcome(), self._ready()
        for row in rows:
            self._send(producer, row, outcome)
        self._wait(producer, outcome)
        if outcome.unreported:
            outcome.trouble = outcome.trouble or f"{outcome.unreported} records were not acknowledged in time"
            self._producer = None
        return outcome

    def publish_alone(self, rows: Iterable[OutboxRow], *, seconds: float) -> Outcome:
        """Send each row by itself, so that a refusal can only mean this row.

        No new row is begun after `seconds`, nor when Kafka is away.
        """
        outcome, until = Outcome(), time.monotonic() + seconds
        for row in rows:
            outcome = outcome.plus(self.publish([row]))
            if outcome.trouble or time.monotonic() > until:
                break
        return outcome

    def serve(self) -> None:
        """Let librdkafka tell its errors and log lines while there is nothing to send.

        The producer is made here, so that it has its producer id before the first row.
        """
        self._ready().poll(0)

    def _ready(self) -> Producer:
        if self._producer is None:
            self._producer = Producer({**self._config, "error_cb": self._on_error})
        return self._producer

    def _send(self, producer: Producer, row: OutboxRow, outcome: Outcome) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            self._report(outcome, row, error, message)

        try:
            producer.produce(row.topic, row.value, row.kafka_key(), headers=[*row.kafka_headers()], on_delivery=report)
            outcome.unreported += 1
        except KafkaException as refused:
            self._meet(outcome, row, refused.args[0])
        except BufferError as full:
            outcome.trouble = str(full)
        except (TypeError, ValueError) as unusable:
            outcome.refused.append(Refused(row, f"the row makes no record: {unusable}"))

    def _report(self, outcome: Outcome, row: OutboxRow, error: KafkaError | None, message: Message) -> None:
        outcome.unreported -= 1
        if error is None:
            outcome.delivered.append(Delivered(row, message.partition() or 0, message.offset() or 0))
            return
        self._meet(outcome, row, error)
        if fate(error.code()) is Fate.LATER:
            outcome.late.append(Late(row, message.partition() or 0))

    def _meet(self, outcome: Outcome, row: OutboxRow, error: KafkaError) -> None:
        outcome.meet(row, error)
        self._on_error(error)

    def _wait(self, producer: Producer, outcome: Outcome) -> None:
        """Until all reports are in, the time is over, or `waits` says that nobody waits any longer.

        What `flush` returns counts librdkafka's errors and log lines too, so the reports are counted here.
        """
        until = time.monotonic() + WAIT_SECONDS
        while outcome.unreported and time.monotonic() < until and self._waits():
            producer.flush(SLICE_SECONDS)
            self._alive()

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
        "batch.size": min(settings.kafka_batch_size, WORK_RECORD_BYTES),
        "message.max.bytes": DEAD_LETTER_RECORD_BYTES,
        "delivery.timeout.ms": DELIVERY_MS,
        "request.timeout.ms": DELIVERY_MS // 2,
        "topic.metadata.propagation.max.ms": UNKNOWN_TOPIC_MS,
    }
