"""The relay: outbox to Kafka, one leader at a time, deleting exactly what Kafka acknowledged.

The leader is whoever holds a transaction-level lock, for one batch. Nothing is remembered between batches, so a relay
that is killed or stopped leaves its batch to the next one, which publishes it again: readers know repeats by the turn.
"""

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bridge.audit.background import watching
from bridge.log_throttle import Seldom
from bridge.relay import outbox
from bridge.relay.backoff import Resting
from bridge.relay.outbox import Left, OutboxRow, Refused
from bridge.relay.producer import Outcome, Publisher
from bridge.relay.sweep import Sweep
from contracts.database import Database, make_engine, why
from contracts.heartbeat import beat
from contracts.settings import Settings

log = logging.getLogger(__name__)

IDLE_MS: Final = 12_000
"""After this long a stopped leader's transaction is ended; above the wait for one batch, so never a working one's."""

IDLE_SECONDS: Final = 0.03
STANDBY_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
STOP_SECONDS: Final = 3.0
"""How long a relay that shall stop still waits for acknowledgements; the rest stays in the outbox."""

ALONE_SECONDS: Final = 2.0
"""For trying refused rows alone; with one last wait it stays below IDLE_MS. Who had no time is in the next batch."""


class Round(Enum):
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
        self._patience = Patience(stop)
        self._publisher = Publisher(settings, alive=self._alive, waits=self._patience.waits)
        self._resting = Resting()
        self._seldom = Seldom()
        self._troubles = 0
        self._beaten = float("-inf")

    def run(self) -> None:
        """Look at the outbox again and again."""
        while not self._stop.is_set():
            self._stop.wait(self.step())

    def step(self) -> float:
        """One round, and the seconds to wait before the next."""
        try:
            found = self.round()
            self._sweep_after(found)
            self._alive()
        except (SQLAlchemyError, psycopg2.Error) as away:  # the driver's own, where SQLAlchemy sets the isolation level
            if self._seldom.is_due("postgres"):
                log.warning("PostgreSQL does not answer, the outbox waits: %s", why(away))
            found = Round.TROUBLE
        except Exception:  # the poll loop's boundary: a relay that ended would stop everything
            log.exception("A round of the relay failed and is tried again.")
            found = Round.TROUBLE
        else:
            if self._seldom.is_over("postgres"):
                log.info("PostgreSQL answers again.")
        self._troubles = self._troubles + 1 if found is Round.TROUBLE else 0
        return pause(found, self._troubles)

    def round(self) -> Round:
        """Where rows wait one transaction: lead, read, publish, delete the acknowledged. Raises SQLAlchemyError."""
        self._publisher.serve()
        if not outbox.waits(self._database, self._left()):
            return Round.TROUBLE if self._resting.wake() else Round.EMPTY
        with self._transactions.begin() as connection:
            if not outbox.lead(connection, idle_ms=IDLE_MS):
                return Round.STANDBY
            rows = outbox.first_rows(connection, self._left())
            if not rows:
                return Round.EMPTY
            outcome = self._publish(connection, rows)
            outbox.settle(connection, outcome.delivered)
            outbox.park(connection, outcome.refused)
        self._tell(outcome)
        if outcome.trouble and not outcome.delivered:
            return Round.TROUBLE
        return Round.FULL if outbox.is_full(rows) else Round.EMPTY

    def _publish(self, connection: Connection, rows: Sequence[OutboxRow]) -> Outcome:
        """A broker refuses whole record batches, so who was refused in company is asked again alone.

        Taking the lead once more tells PostgreSQL in between that this transaction lives.
        """
        together = self._publisher.publish(rows)
        if not together.refused:
            return together
        outbox.lead(connection, idle_ms=IDLE_MS)
        asked, together.refused = together.refused, []
        return together.plus(self._publisher.publish_alone((one.row for one in asked), seconds=ALONE_SECONDS))

    def _sweep_after(self, found: Round) -> None:
        """Not while Kafka takes nothing, and in a statement of its own: its row locks must not outlast it."""
        if self._settings.takes_from_kafka and found in {Round.EMPTY, Round.FULL} and (emitted := self._sweep.step()):
            log.warning("%d quiet thoughts were emitted again.", emitted)

    def _left(self) -> Left:
        now = time.monotonic()
        return Left(self._resting.topics(now), self._resting.lines(now))

    def _tell(self, outcome: Outcome) -> None:
        for one in outcome.refused:
            _alarm(one)
        for topic, reason in outcome.missing.items():
            self._rest(topic, reason)
        taken = {(one.row.topic, one.partition) for one in outcome.delivered}
        late = {one.row.line: (one.row.topic, one.partition) for one in outcome.late}
        self._resting.note(taken, late, time.monotonic())
        if outcome.alarm and self._seldom.is_due("alarm"):
            log.error("ALARM %s.", outcome.alarm)
        if outcome.trouble and self._seldom.is_due("kafka"):
            what = "does not take all" if outcome.delivered else "takes nothing"
            log.warning("Kafka %s now, what it does not take waits in the outbox: %s", what, outcome.trouble)
        elif outcome.delivered and not outcome.trouble and self._seldom.is_over("kafka"):
            log.info("Kafka takes records again.")

    def _rest(self, topic: str, reason: str) -> None:
        """Leave a topic's rows where they are for a while, so that they do not hold up the others."""
        self._resting.rest_topic(topic, time.monotonic())
        if self._seldom.is_due(topic):
            advice = "make it with `python -m bridge create-topics`, or allow this client to write to it"
            log.error("Kafka does not take topic %s (%s), its rows wait: %s.", topic, reason, advice)

    def _alive(self) -> None:
        if time.monotonic() - self._beaten >= 1:
            self._beaten = time.monotonic()
            beat(self._settings.heartbeat_file)


class Patience:
    """How long acknowledgements are waited for: as long as it takes, or STOP_SECONDS after `stop` was seen."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._clock = clock
        self._until: float | None = None

    def waits(self) -> bool:
        if not self._stop.is_set():
            return True
        self._until = self._until or self._clock() + STOP_SECONDS
        return self._clock() < self._until


def pause(found: Round, troubles: int) -> float:
    """Seconds until the next round; in trouble they grow, with jitter, up to LONGEST_PAUSE_SECONDS."""
    match found:
        case Round.FULL:
            return 0.0
        case Round.EMPTY:
            return IDLE_SECONDS
        case Round.STANDBY:
            return STANDBY_SECONDS
    longest = min(LONGEST_PAUSE_SECONDS, 0.1 * 2 ** min(troubles, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  it spreads retries and guards nothing


def run(settings: Settings) -> None:
    """Be a relay until SIGTERM or SIGINT; the batch in progress is then still settled."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not settings.kafka_enabled:
        with watching(settings, stop):
            _idle(settings, stop)
        return
    engine = make_engine(settings.database_url, "relay", by_key=True)
    try:
        with watching(settings, stop):
            Relay(settings, engine, stop).run()
    finally:
        engine.dispose()


def _idle(settings: Settings, stop: threading.Event) -> None:
    """Without Kafka only dead letters wait in the outbox, for the day when there is one. The process is there for its
    audit."""
    log.warning("KAFKA_ENABLED is false: nothing is relayed.")
    while not stop.wait(1):
        beat(settings.heartbeat_file)


def _alarm(refused: Refused) -> None:
    row, size = refused.row, len(refused.row.value or b"")
    log.error(
        "ALARM Kafka refuses outbox row %d (topic %s, key %s, %d bytes) for good: %s. It is parked; when the cause is "
        "mended, UPDATE outbox SET parked_at = NULL WHERE id = %d sends it again.",
        row.id, row.topic, row.key, size, refused.reason, row.id,
    )  # fmt: skip
