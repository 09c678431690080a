"""The relay: outbox to Kafka, one leader at a time, deleting exactly what Kafka acknowledged.

The leader is whoever holds a transaction-level lock, for one batch. Nothing is remembered between batches, so a relay
that is killed or stopped leaves its batch to the next one, which publishes it again: readers know repeats by the turn.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bridge.log_throttle import LogThrottle
from bridge.relay import outbox
from bridge.relay.backoff import BackoffRegistry
from bridge.relay.outbox import Exclusions, OutboxRow, Rejected
from bridge.relay.producer import OutboxProducer, PublishOutcome
from bridge.relay.sweep import Sweep
from contracts.database import Database, describe_error
from contracts.heartbeat import touch_heartbeat
from contracts.settings import Settings

log = logging.getLogger(__name__)

IDLE_MS: Final = 12_000
"""After this long a stopped leader's transaction is ended; above the wait for one batch, so never a working one's."""

IDLE_SECONDS: Final = 0.03
STANDBY_SECONDS: Final = 0.1
MAX_PAUSE_SECONDS: Final = 2.0
STOP_SECONDS: Final = 3.0
"""How long a relay that shall stop still waits for acknowledgements; the rest stays in the outbox."""

SINGLE_ROWS_SECONDS: Final = 2.0
"""For trying refused rows alone; with one last wait it stays below IDLE_MS. Who had no time is in the next batch."""


class PassResult(Enum):
    """How one look at the outbox went."""

    STANDBY = "another relay leads"
    EMPTY = "all was published"
    FULL = "more rows wait"
    TROUBLE = "rows wait for Kafka"


class Relay:
    """Publishes until `stop` is set. Ends for no error: PostgreSQL and Kafka may both come and go."""

    def __init__(self, settings: Settings, engine: Engine, stop: threading.Event) -> None:
        self._settings = settings
        self._database = Database(engine)
        self._sweep = Sweep(self._database, settings.kafka_topic)
        self._transactions = engine.execution_options(isolation_level="READ COMMITTED")
        self._stop = stop
        self._patience = ShutdownGrace(stop)
        self._publisher = OutboxProducer(settings, show_life=self._show_life, may_wait=self._patience.may_wait)
        self._backoff = BackoffRegistry()
        self._throttle = LogThrottle()
        self._troubles = 0
        self._beaten = float("-inf")

    def run(self) -> None:
        """Look at the outbox again and again."""
        while not self._stop.is_set():
            self._stop.wait(self.step())

    def step(self) -> float:
        """One round, and the seconds to wait before the next."""
        try:
            found = self.publish_batch()
            self._sweep_after(found)
            self._show_life()
        except (SQLAlchemyError, psycopg2.Error) as away:  # the driver's own, where SQLAlchemy sets the isolation level
            if self._throttle.is_due("postgres"):
                log.warning("PostgreSQL does not answer, the outbox waits: %s", describe_error(away))
            found = PassResult.TROUBLE
        except Exception:  # the poll loop's boundary: a relay that ended would stop everything
            log.exception("A round of the relay failed and is tried again.")
            found = PassResult.TROUBLE
        else:
            if self._throttle.clear("postgres"):
                log.info("PostgreSQL answers again.")
        self._troubles = self._troubles + 1 if found is PassResult.TROUBLE else 0
        return pause_after(found, self._troubles)

    def publish_batch(self) -> PassResult:
        """Where rows wait one transaction: lead, read, publish, delete the acknowledged. Raises SQLAlchemyError."""
        self._publisher.poll_events()
        if not outbox.has_pending(self._database, self._exclusions()):
            return PassResult.TROUBLE if self._backoff.resume_all() else PassResult.EMPTY
        with self._transactions.begin() as connection:
            if not outbox.try_acquire_leadership(connection, idle_ms=IDLE_MS):
                return PassResult.STANDBY
            rows = outbox.next_batch(connection, self._exclusions())
            if not rows:
                return PassResult.EMPTY
            outcome = self._publish(connection, rows)
            outbox.delete_delivered(connection, outcome.delivered)
            outbox.park(connection, outcome.rejected)
        self._log_outcome(outcome)
        if outcome.trouble and not outcome.delivered:
            return PassResult.TROUBLE
        return PassResult.FULL if outbox.hit_batch_limit(rows) else PassResult.EMPTY

    def _publish(self, connection: Connection, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """A broker refuses whole record batches, so who was refused in company is asked again alone.

        Taking the lead once more tells PostgreSQL in between that this transaction lives.
        """
        together = self._publisher.publish(rows)
        if not together.rejected:
            return together
        outbox.try_acquire_leadership(connection, idle_ms=IDLE_MS)
        asked, together.rejected = together.rejected, []
        return together.merged_with(
            self._publisher.publish_one_by_one((one.row for one in asked), seconds=SINGLE_ROWS_SECONDS)
        )

    def _sweep_after(self, found: PassResult) -> None:
        """Not while Kafka takes nothing, and in a statement of its own: its row locks must not outlast it."""
        if (
            self._settings.consumes_kafka
            and found in {PassResult.EMPTY, PassResult.FULL}
            and (emitted := self._sweep.run_due_page())
        ):
            log.warning("%d quiet thoughts were emitted again.", emitted)

    def _exclusions(self) -> Exclusions:
        now = time.monotonic()
        return Exclusions(self._backoff.paused_topics(now), self._backoff.paused_keys(now))

    def _log_outcome(self, outcome: PublishOutcome) -> None:
        for one in outcome.rejected:
            _log_rejected(one)
        for topic, reason in outcome.paused_topics.items():
            self._pause_topic(topic, reason)
        taken = {(one.row.topic, one.partition) for one in outcome.delivered}
        late = {one.row.order_key: (one.row.topic, one.partition) for one in outcome.timed_out}
        self._backoff.record_outcome(taken, late, time.monotonic())
        if outcome.alarm and self._throttle.is_due("alarm"):
            log.error("ALARM %s.", outcome.alarm)
        if outcome.trouble and self._throttle.is_due("kafka"):
            what = "does not take all" if outcome.delivered else "takes nothing"
            log.warning("Kafka %s now, what it does not take waits in the outbox: %s", what, outcome.trouble)
        elif outcome.delivered and not outcome.trouble and self._throttle.clear("kafka"):
            log.info("Kafka takes records again.")

    def _pause_topic(self, topic: str, reason: str) -> None:
        """Leave a topic's rows where they are for a while, so that they do not hold up the others."""
        self._backoff.pause_topic(topic, time.monotonic())
        if self._throttle.is_due(topic):
            advice = "make it with `python -m bridge create-topics`, or allow this client to write to it"
            log.error("Kafka does not take topic %s (%s), its rows wait: %s.", topic, reason, advice)

    def _show_life(self) -> None:
        if time.monotonic() - self._beaten >= 1:
            self._beaten = time.monotonic()
            touch_heartbeat(self._settings.heartbeat_file)


class ShutdownGrace:
    """How long acknowledgements are waited for: as long as it takes, or STOP_SECONDS after `stop` was seen."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._clock = clock
        self._until: float | None = None

    def may_wait(self) -> bool:
        if not self._stop.is_set():
            return True
        self._until = self._until or self._clock() + STOP_SECONDS
        return self._clock() < self._until


def pause_after(result: PassResult, troubles: int) -> float:
    """Seconds until the next round; in trouble they grow, with jitter, up to LONGEST_PAUSE_SECONDS."""
    match result:
        case PassResult.FULL:
            return 0.0
        case PassResult.EMPTY:
            return IDLE_SECONDS
        case PassResult.STANDBY:
            return STANDBY_SECONDS
    longest = min(MAX_PAUSE_SECONDS, 0.1 * 2 ** min(troubles, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  it spreads retries and guards nothing


def stand_by(settings: Settings, stop: threading.Event) -> None:
    """Only show life until `stop` is set: without Kafka, dead letters stay in the outbox until there is one."""
    log.warning("KAFKA_ENABLED is false: nothing is relayed.")
    while not stop.wait(1):
        touch_heartbeat(settings.heartbeat_file)


def _log_rejected(refused: Rejected) -> None:
    row, size = refused.row, len(refused.row.value or b"")
    log.error(
        "ALARM Kafka refuses outbox row %d (topic %s, key %s, %d bytes) for good: %s. It is parked; when the cause is "
        "mended, UPDATE outbox SET parked_at = NULL WHERE id = %d sends it again.",
        row.id, row.topic, row.key, size, refused.reason, row.id,
    )  # fmt: skip
