"""Reads, deletes and parks the rows of the outbox, which were written in one statement with the state they report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection, Row, text

from contracts.database import Database
from contracts.dead_letters import kafka_headers
from contracts.events import Event
from contracts.source_headers import Headers, restore_headers, restore_key
from contracts.webhooks import EVENT_TYPES

LEADER_LOCK: Final = 7400
"""The key of the advisory lock that the leading relay holds."""

_END_NAMES: Final = tuple(name.encode() for name in EVENT_TYPES)

BATCH_ROWS: Final = 500

BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch is full when its values exceed this size, so that 500 large ones are still read within a statement's time
limit."""

ACQUIRE_LEADERSHIP: Final = text("""
    WITH permission AS (DELETE FROM outbox WHERE false)
    SELECT set_config('idle_in_transaction_session_timeout', CAST(:idle_ms AS text), true),
           pg_try_advisory_xact_lock(:lock) AS leads
""")
"""Takes the leader lock until the transaction ends, and limits how long the transaction may be idle.

Fails where DELETE would, such as on a read-only server: a relay that cannot delete would publish its rows for ever."""

NEXT_BATCH: Final = text("""
    WITH first AS (SELECT id, topic, key, turn, failure_id, value, headers FROM outbox
                    WHERE parked_at IS NULL AND topic <> ALL (CAST(:paused_topics AS text[]))
                      AND COALESCE(topic || ' ' || key, CAST(id AS text)) <> ALL (CAST(:paused_order_keys AS text[]))
                    ORDER BY id LIMIT :rows),
    sized AS (SELECT first.*, sum(octet_length(value)) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING
                                                              AND 1 PRECEDING) AS bytes_before FROM first)
    SELECT id, topic, key, turn, failure_id, value, headers FROM sized
     WHERE COALESCE(bytes_before, 0) < :bytes ORDER BY id
""")
"""Reads the next rows in the order of ids. The first row is returned whatever its size is."""

HAS_PENDING: Final = text("""
    SELECT (SELECT id FROM outbox WHERE parked_at IS NULL AND topic <> ALL (CAST(:paused_topics AS text[]))
               AND COALESCE(topic || ' ' || key, CAST(id AS text)) <> ALL (CAST(:paused_order_keys AS text[]))
             ORDER BY id LIMIT 1) IS NOT NULL AS has_pending
""")
"""Says whether NEXT_BATCH would find a row, and works without a transaction. Ordered by id, so that the index is used:
after a burst the table is long and empty until it is vacuumed."""

DELETE: Final = text("""
    WITH sent AS (DELETE FROM outbox WHERE id = ANY (CAST(:ids AS bigint[]))),
    wanted AS (
      SELECT w.id, e.event_type, e.event
        FROM unnest(CAST(:users AS uuid[]), CAST(:thoughts AS uuid[]), CAST(:event_types AS text[]),
                    CAST(:events AS text[])) AS e(user_id, thought_id, event_type, event)
             JOIN webhooks w ON w.user_id = e.user_id
       WHERE w.disabled_at IS NULL AND e.event_type = ANY (w.events)
         AND (SELECT t.status FROM thoughts t WHERE t.id = e.thought_id AND t.user_id = w.user_id)
             IS DISTINCT FROM 'deleted'
         FOR KEY SHARE OF w)
    INSERT INTO webhook_deliveries (webhook_id, event_type, event)
    SELECT id, event_type, CAST(event AS jsonb) FROM wanted
""")
"""Deletes exactly the rows that Kafka has acknowledged, and gives those of them that report an end to the webhooks of
their users: because the deletion happens once, so does the delivery, and workers write nothing more for it.

The end of a thought that was deleted meanwhile is given to none, because its message may quote the text."""

SET_KAFKA_POSITION: Final = text("""
    UPDATE dead_letters SET kafka_partition = delivered.kafka_partition, kafka_offset = delivered.kafka_offset
      FROM unnest(CAST(:failures AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
           AS delivered(failure_id, kafka_partition, kafka_offset)
     WHERE dead_letters.failure_id = delivered.failure_id
""")
"""Stores where Kafka put a dead letter. A second delivery of the same one overwrites the first position."""

PARK: Final = text("""
    UPDATE outbox SET parked_at = clock_timestamp(), parked_reason = parked.reason
      FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[])) AS parked(id, reason) WHERE outbox.id = parked.id
""")
"""Takes rows out of the relay's batches until a person resets `parked_at`."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A record that is to be published; a `value` of None is a tombstone.

    With a `failure_id` the row is a dead letter, and `headers` describe the failure. Otherwise `headers` are those of
    the record that delivered the thought (`contracts.source_headers`). The record is published with the thought's
    `turn`, or without one if the record never became a thought.
    """

    id: int
    topic: str
    key: str | None
    turn: int | None
    failure_id: str | None
    value: bytes | None
    headers: Mapping[str, Any] | None

    @property
    def order_key(self) -> str:
        """The name of the rows whose order Kafka keeps: the rows of the same topic and key, or this row alone.

        NEXT_BATCH and HAS_PENDING compute the same name.
        """
        return str(self.id) if self.key is None else f"{self.topic} {self.key}"

    def kafka_key(self) -> str | bytes | None:
        """Return the record's key; a record that is published again keeps its original one, whatever its bytes are."""
        if self.key is not None or self.failure_id is not None:
            return self.key
        return restore_key(self.headers or {})

    def kafka_headers(self) -> Headers:
        """Return the headers: a dead letter's describe the failure, others are the turn and the original headers."""
        if self.failure_id is not None:
            return kafka_headers(self.failure_id, self.headers or {})
        return restore_headers(self.headers or {}, self.turn)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A row that Kafka acknowledged, and its position there."""

    row: OutboxRow
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeliveryTimeout:
    """A row that its partition did not accept in time."""

    row: OutboxRow
    partition: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that Kafka will never accept unchanged, and the reason."""

    row: OutboxRow
    reason: str


def try_acquire_leadership(connection: Connection, *, idle_ms: int) -> bool:
    """Try to take the leader lock, and return whether this transaction now holds it, until it ends.

    PostgreSQL ends a transaction that is idle for `idle_ms`, so that a stopped leader does not keep the lock. Raises
    SQLAlchemyError.
    """
    return bool(connection.execute(ACQUIRE_LEADERSHIP, {"lock": LEADER_LOCK, "idle_ms": idle_ms}).one().leads)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Rows that stay in the outbox for now: those of these topics, and those with these order keys."""

    topics: Sequence[str] = ()
    order_keys: Sequence[str] = ()

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of NEXT_BATCH and HAS_PENDING."""
        return {"paused_topics": list(self.topics), "paused_order_keys": list(self.order_keys)}


def has_pending(database: Database, exclusions: Exclusions) -> bool:
    """Return whether `next_batch` would find rows, without a transaction: the only query of an idle relay.

    Raises SQLAlchemyError.
    """
    return bool(database.rows(HAS_PENDING, **exclusions.parameters)[0].has_pending)


def next_batch(connection: Connection, exclusions: Exclusions) -> list[OutboxRow]:
    """Return the next batch in the order of ids, without parked and excluded rows. Raises SQLAlchemyError."""
    parameters = {**exclusions.parameters, "rows": BATCH_ROWS, "bytes": BATCH_BYTES}
    return [_outbox_row(row) for row in connection.execute(NEXT_BATCH, parameters)]


def hit_batch_limit(rows: Sequence[OutboxRow]) -> bool:
    """Return whether the batch is full, so that more rows may wait."""
    return len(rows) >= BATCH_ROWS or sum(len(row.value or b"") for row in rows) >= BATCH_BYTES


def delete_delivered(connection: Connection, delivered: Sequence[Delivered], events_topic: str = "") -> None:
    """Delete exactly the acknowledged rows, because ids are not committed in order and a range would lose rows.

    Those of the `events_topic` that report the end of a thought are given to the webhooks of its user.
    The Kafka positions of dead letters are stored first. The deletion of a thought also locks the dead letters before
    their outbox rows; the other order would be a deadlock. Raises SQLAlchemyError.
    """
    _set_kafka_positions(connection, delivered)
    if delivered:
        ends = terminal_events(delivery.row for delivery in delivered if delivery.row.topic == events_topic)
        connection.execute(DELETE, {"ids": [delivery.row.id for delivery in delivered], **ends})


def terminal_events(rows: Iterable[OutboxRow]) -> dict[str, list[str]]:
    """Return the parameters of DELETE for the events of these rows that a webhook may ask for; others are left out."""
    ends: dict[str, list[str]] = {"users": [], "thoughts": [], "event_types": [], "events": []}
    for row in rows:
        event = _parse_event(row.value)
        if event is not None and event.event_type in EVENT_TYPES and row.key == str(event.user_id):
            ends["users"].append(str(event.user_id))
            ends["thoughts"].append(str(event.thought_id))
            ends["event_types"].append(event.event_type)
            ends["events"].append((row.value or b"").decode())
    return ends


def _parse_event(value: bytes | None) -> Event | None:
    if value is None or not any(name in value for name in _END_NAMES):  # most rows: parsing them all takes 20 us each
        return None
    try:
        return Event.model_validate_json(value)
    except ValidationError:  # anybody with access to the table may write a row
        return None


def _set_kafka_positions(connection: Connection, delivered: Sequence[Delivered]) -> None:
    positions = {
        delivery.row.failure_id: (delivery.partition, delivery.offset)
        for delivery in delivered
        if delivery.row.failure_id is not None
    }
    if positions:
        rows = [(failure_id, *positions[failure_id]) for failure_id in sorted(positions)]
        failures, partitions, offsets = (list(column) for column in zip(*rows, strict=True))
        connection.execute(SET_KAFKA_POSITION, {"failures": failures, "partitions": partitions, "offsets": offsets})


def park(connection: Connection, rejected: Sequence[Rejected]) -> None:
    """Exclude rows from later batches that Kafka would reject again; they stay in the table with the reason.

    Raises SQLAlchemyError.
    """
    if rejected:
        ids, reasons = [rejection.row.id for rejection in rejected], [rejection.reason for rejection in rejected]
        connection.execute(PARK, {"ids": ids, "reasons": reasons})


def _outbox_row(row: Row[Any]) -> OutboxRow:
    value = None if row.value is None else bytes(row.value)
    return OutboxRow(row.id, row.topic, row.key, row.turn, row.failure_id, value, row.headers)
