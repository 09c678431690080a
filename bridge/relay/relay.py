"""Relays the outbox to Kafka: one leader at a time, which deletes exactly what Kafka acknowledged.

The leader is the relay that holds a transaction-level lock, for one batch. No state is carried from batch to batch.
When a relay is killed or suspended, the next leader publishes its batch again. Readers recognise the duplicates: of
thoughts by the turn, of events by `event_id`, of dead letters by the failure id.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from enum import Enum
from typing import Final

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bridge.relay import outbox
from bridge.relay.backoff import BackoffRegistry
from bridge.relay.outbox import Exclusions, OutboxRow, Rejected
from bridge.relay.producer import OutboxProducer, PublishOutcome
from bridge.relay.sweep import Sweep
from contracts.database import Database, database_trouble
from contracts.heartbeat import Heartbeat
from contracts.log_throttle import LogThrottle
from contracts.reporter import loop_reporter
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

TRANSACTION_IDLE_TIMEOUT_MS: Final = 12_000
"""After this long PostgreSQL ends the transaction of a suspended leader. It exceeds the wait for one batch, so it never
ends a working leader's."""

EMPTY_PASS_PAUSE_SECONDS: Final = 0.03
"""The pause after a pass that left nothing to publish."""

STANDBY_SECONDS: Final = 0.1
"""The pause while another relay leads."""

MAX_PASS_PAUSE_SECONDS: Final = 2.0
"""The longest pause while rows wait for Kafka or PostgreSQL."""

STOP_SECONDS: Final = 3.0
"""How long a stopping relay still waits for acknowledgements. Unacknowledged rows stay in the outbox."""

SINGLE_ROWS_SECONDS: Final = 2.0
"""How long rejected rows are retried one by one; with one last wait this stays below TRANSACTION_IDLE_TIMEOUT_MS. Rows
that were not retried are in the next batch."""


class PassResult(Enum):
    """The result of one pass over the outbox."""

    STANDBY = "another relay leads"
    EMPTY = "no more rows to publish"
    FULL = "more rows wait"
    BLOCKED = "rows wait for Kafka or PostgreSQL"


class Relay:
    """Publishes the outbox in the order of ids until `stop` is set, and survives outages of PostgreSQL and Kafka."""

    def __init__(self, settings: Settings, engine: Engine, stop: threading.Event, installation_id: str = "") -> None:
        """Each record carries the `installation_id`, unless it is empty."""
        self._settings = settings
        self._database = Database(engine)
        self._sweep = Sweep(self._database, settings.kafka_topic)
        self._transactions = engine.execution_options(isolation_level="READ COMMITTED")
        self._stop = stop
        self._heartbeat = Heartbeat(settings.heartbeat_file)
        self._producer = OutboxProducer(
            settings,
            touch_heartbeat=self._heartbeat.touch,
            may_wait=ShutdownGrace(stop).may_wait,
            installation_id=installation_id,
        )
        self._backoff = BackoffRegistry()
        self._throttle = LogThrottle()
        self._blocked_passes = 0

    def run(self) -> None:
        """Run passes over the outbox until `stop` is set."""
        with loop_reporter(self._settings, "relay", self._heartbeat, lambda: self._producer.is_refused):
            while not self._stop.is_set():
                self._stop.wait(self.run_pass())

    def run_pass(self) -> float:
        """Run one pass, and return the seconds to wait before the next."""
        try:
            result = self.publish_batch()
            self._sweep_after(result)
            self._heartbeat.touch()
        except (SQLAlchemyError, psycopg2.Error) as error:  # psycopg2's own, when SQLAlchemy sets the isolation level
            self._heartbeat.touch()  # a restart would not make PostgreSQL available
            if self._throttle.allow("postgres"):
                log_trouble(log, database_trouble(error), "the outbox waits")
            result = PassResult.BLOCKED
        except Exception:  # the poll loop's boundary: if the relay ended, nothing would reach Kafka any more
            log.exception("A pass of the relay failed and is retried.")
            result = PassResult.BLOCKED
        else:
            if self._throttle.clear("postgres"):
                log.info("PostgreSQL is available again.")
        self._blocked_passes = self._blocked_passes + 1 if result is PassResult.BLOCKED else 0
        return pause_after(result, self._blocked_passes)

    def publish_batch(self) -> PassResult:
        """If rows wait: lead, read, publish, and delete the acknowledged rows, in one transaction.

        Raises SQLAlchemyError or psycopg2.Error when PostgreSQL is unavailable.
        """
        self._producer.poll_events()
        if not outbox.has_pending(self._database, self._exclusions()):
            resumed = self._backoff.resume_all()
            return PassResult.BLOCKED if resumed else PassResult.EMPTY
        with self._transactions.begin() as connection:
            if not outbox.try_acquire_leadership(connection, idle_ms=TRANSACTION_IDLE_TIMEOUT_MS):
                return PassResult.STANDBY
            rows = outbox.next_batch(connection, self._exclusions())
            if not rows:
                return PassResult.EMPTY
            outcome = self._publish(connection, rows)
            outbox.delete_delivered(connection, outcome.delivered, self._settings.kafka_events_topic)
            outbox.park(connection, outcome.rejected)
        self._apply_outcome(outcome)
        if outcome.wait_reason and not outcome.delivered:
            return PassResult.BLOCKED
        return PassResult.FULL if outbox.hit_batch_limit(rows) else PassResult.EMPTY

    def _publish(self, connection: Connection, rows: Sequence[OutboxRow]) -> PublishOutcome:
        """Publish the rows. Brokers reject whole batches, so rejected rows are retried one by one."""
        outcome = self._producer.publish(rows)
        if not outcome.rejected:
            return outcome
        _keep_transaction_alive(connection)
        rejections, outcome.rejected = outcome.rejected, []
        return outcome.merged_with(
            self._producer.publish_one_by_one((rejection.row for rejection in rejections), seconds=SINGLE_ROWS_SECONDS)
        )

    def _sweep_after(self, result: PassResult) -> None:
        """Run the sweep when it is due, unless the pass was blocked or another relay leads.

        The sweep is its own statement, so that its row locks end with it.
        """
        if (
            self._settings.consumes_kafka
            and result in {PassResult.EMPTY, PassResult.FULL}
            and (emitted := self._sweep.run_due_page())
        ):
            log.warning(
                "The sweep re-emitted %d thoughts that had made no progress. If this recurs, check that bridges and "
                "workers run.",
                emitted,
            )

    def _exclusions(self) -> Exclusions:
        now = time.monotonic()
        return Exclusions(self._backoff.paused_topics(now), self._backoff.paused_keys(now))

    def _apply_outcome(self, outcome: PublishOutcome) -> None:
        for rejection in outcome.rejected:
            _log_rejected(rejection)
        for topic, reason in outcome.paused_topics.items():
            self._pause_topic(topic, reason)
        accepting = {(delivery.row.topic, delivery.partition) for delivery in outcome.delivered}
        timed_out = {timeout.row.order_key: (timeout.row.topic, timeout.partition) for timeout in outcome.timed_out}
        self._backoff.record_outcome(accepting, timed_out, time.monotonic())
        if outcome.alarm and self._throttle.allow("alarm"):
            log.error("ALARM: %s.", outcome.alarm)
        if outcome.wait_reason and self._throttle.allow("kafka"):
            state = "accepts only some records, the other rows" if outcome.delivered else "accepts no records, the rows"
            log.warning("Kafka %s wait in the outbox: %s", state, outcome.wait_reason)
        elif outcome.delivered and not outcome.wait_reason and self._throttle.clear("kafka"):
            log.info("Kafka accepts records again.")

    def _pause_topic(self, topic: str, reason: str) -> None:
        """Pause a topic, so that its rows do not delay the others."""
        self._backoff.pause_topic(topic, time.monotonic())
        if self._throttle.allow(topic):
            advice = "Create it with `python -m bridge create-topics`, or allow this client to write to it"
            log.error("Kafka rejects all records for topic %s (%s), its rows wait. %s.", topic, reason, advice)


class ShutdownGrace:
    """Limits the wait for acknowledgements to STOP_SECONDS after `stop` was first seen; before, there is no limit."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._until: float | None = None

    def may_wait(self) -> bool:
        if not self._stop.is_set():
            return True
        self._until = self._until or time.monotonic() + STOP_SECONDS
        return time.monotonic() < self._until


def pause_after(result: PassResult, blocked_passes: int) -> float:
    """Return the seconds until the next pass.

    They grow with the number of consecutive blocked passes, with jitter, up to MAX_PASS_PAUSE_SECONDS.
    """
    match result:
        case PassResult.FULL:
            return 0.0
        case PassResult.EMPTY:
            return EMPTY_PASS_PAUSE_SECONDS
        case PassResult.STANDBY:
            return STANDBY_SECONDS
    longest = min(MAX_PASS_PAUSE_SECONDS, 0.1 * 2 ** min(blocked_passes, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  spreads retries, no security depends on it


def wait_without_kafka(settings: Settings, stop: threading.Event) -> None:
    """Only touch the heartbeat file until `stop` is set, because Kafka is disabled: dead letters stay in the outbox."""
    log.warning("KAFKA_ENABLED is false: nothing is relayed, rows stay in the outbox.")
    heartbeat = Heartbeat(settings.heartbeat_file)
    with loop_reporter(settings, "relay", heartbeat):
        while not stop.wait(1):
            heartbeat.touch()


def _keep_transaction_alive(connection: Connection) -> None:
    """Send a statement, because PostgreSQL ends a transaction that is idle for TRANSACTION_IDLE_TIMEOUT_MS."""
    outbox.try_acquire_leadership(connection, idle_ms=TRANSACTION_IDLE_TIMEOUT_MS)


def _log_rejected(rejection: Rejected) -> None:
    row = rejection.row
    log.error(
        "ALARM: Kafka permanently rejects outbox row %d: %s. The row is parked. When the cause is fixed, publish it "
        "again with: UPDATE outbox SET parked_at = NULL WHERE id = %d;",
        row.id,
        rejection.reason,
        row.id,
        extra={"topic": row.topic, "key": row.key, "bytes": len(row.value or b"")},
    )
