"""The outbox: what PostgreSQL wants Kafka to hear, written in one statement with the state that it tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from contracts.database import Database
from contracts.dead_letters import kafka_headers
from contracts.source_headers import Headers, restore_headers, restore_key

LEADER_LOCK: Final = 7400

BATCH_ROWS: Final = 500

BATCH_BYTES: Final = 8 * 1024 * 1024
"""Values a batch reads before it is full, so that 500 large ones are still read within a statement's time."""

ACQUIRE_LEADERSHIP: Final = text("""
    SELECT set_config('idle_in_transaction_session_timeout', CAST(:idle_ms AS text), true),
           pg_try_advisory_xact_lock(:lock) AS leads
""")

NEXT_BATCH: Final = text("""
    WITH first AS (SELECT id, topic, key, turn, failure_id, value, headers FROM outbox
                    WHERE parked_at IS NULL AND topic <> ALL (CAST(:resting AS text[]))
                      AND COALESCE(topic || ' ' || key, CAST(id AS text)) <> ALL (CAST(:lines AS text[]))
                    ORDER BY id LIMIT :rows),
    sized AS (SELECT first.*, sum(octet_length(value)) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING
                                                              AND 1 PRECEDING) AS bytes_before FROM first)
    SELECT id, topic, key, turn, failure_id, value, headers FROM sized
     WHERE COALESCE(bytes_before, 0) < :bytes ORDER BY id
""")

HAS_PENDING: Final = text("""
    SELECT (SELECT id FROM outbox WHERE parked_at IS NULL AND topic <> ALL (CAST(:resting AS text[]))
               AND COALESCE(topic || ' ' || key, CAST(id AS text)) <> ALL (CAST(:lines AS text[]))
             ORDER BY id LIMIT 1) IS NOT NULL AS waits
""")
"""By the order of ids, and so through the index: after a burst the table itself is long and empty until a vacuum."""

DELETE: Final = text("DELETE FROM outbox WHERE id = ANY (CAST(:ids AS bigint[]))")

SET_KAFKA_POSITION: Final = text("""
    UPDATE dead_letters SET kafka_partition = told.kafka_partition, kafka_offset = told.kafka_offset
      FROM unnest(CAST(:failures AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
           AS told(failure_id, kafka_partition, kafka_offset)
     WHERE dead_letters.failure_id = told.failure_id
""")

PARK: Final = text("""
    UPDATE outbox SET parked_at = clock_timestamp(), parked_reason = told.reason
      FROM unnest(CAST(:ids AS bigint[]), CAST(:reasons AS text[])) AS told(id, reason) WHERE outbox.id = told.id
""")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One record to be; `value` None is a tombstone.

    With a `failure_id` it is a dead letter, and `headers` say why. Else `headers` are those of the record that brought
    the thought (`contracts.source_headers`), which goes out again with the thought's `turn`,
    or with no turn as it first came.
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
        """The rows whose order Kafka keeps, as FIRST_ROWS names them: those of its key, or this one alone."""
        return str(self.id) if self.key is None else f"{self.topic} {self.key}"

    def kafka_key(self) -> str | bytes | None:
        """The record's key; a record that is sent again has the one that it came with, whatever its bytes are."""
        if self.key is not None or self.failure_id is not None:
            return self.key
        return restore_key(self.headers or {})

    def kafka_headers(self) -> Headers:
        """The record's headers: why it failed for a dead letter, else the turn and what came with the thought."""
        if self.failure_id is not None:
            return kafka_headers(self.failure_id, self.headers or {})
        return restore_headers(self.headers or {}, self.turn)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A row that Kafka acknowledged, and where it stands there."""

    row: OutboxRow
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeliveryTimeout:
    """A row that its partition did not take in time."""

    row: OutboxRow
    partition: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that Kafka will never take as it is, and why."""

    row: OutboxRow
    reason: str


def try_acquire_leadership(connection: Connection, *, idle_ms: int) -> bool:
    """Whether this transaction is the one that publishes; if so, until its end.

    PostgreSQL ends a transaction that says nothing for `idle_ms`, so that a stopped leader does not keep the lock.
    """
    return bool(connection.execute(ACQUIRE_LEADERSHIP, {"lock": LEADER_LOCK, "idle_ms": idle_ms}).one().leads)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Rows that are left where they are for now: those for these topics, and those of these lines."""

    topics: Sequence[str] = ()
    order_keys: Sequence[str] = ()


def has_pending(database: Database, left: Exclusions) -> bool:
    """Whether `first_rows` would find any: the one question of an idle relay, without a transaction."""
    return bool(database.rows(HAS_PENDING, resting=list(left.topics), lines=list(left.order_keys))[0].waits)


def next_batch(connection: Connection, left: Exclusions) -> list[OutboxRow]:
    """The next batch in the order of ids, without parked rows and without those that are `left`."""
    asked = {"resting": list(left.topics), "lines": list(left.order_keys), "rows": BATCH_ROWS, "bytes": BATCH_BYTES}
    return [_outbox_row(row) for row in connection.execute(NEXT_BATCH, asked)]


def hit_batch_limit(rows: Sequence[OutboxRow]) -> bool:
    """Whether `first_rows` left rows behind for want of room."""
    return len(rows) >= BATCH_ROWS or sum(len(row.value or b"") for row in rows) >= BATCH_BYTES


def delete_delivered(connection: Connection, delivered: Sequence[Delivered]) -> None:
    """Remove exactly what was acknowledged; ids are not committed in order, so a range would lose rows.

    The dead letters among them are told before where they stand in Kafka: who deletes a thought locks its dead letters
    before their rows here, and in the other order the two would wait for each other.
    """
    _set_kafka_positions(connection, delivered)
    if delivered:
        connection.execute(DELETE, {"ids": [one.row.id for one in delivered]})


def _set_kafka_positions(connection: Connection, delivered: Sequence[Delivered]) -> None:
    places = {one.row.failure_id: (one.partition, one.offset) for one in delivered if one.row.failure_id is not None}
    if places:
        told = [(failure_id, *places[failure_id]) for failure_id in sorted(places)]
        failures, partitions, offsets = (list(column) for column in zip(*told, strict=True))
        connection.execute(SET_KAFKA_POSITION, {"failures": failures, "partitions": partitions, "offsets": offsets})


def park(connection: Connection, refused: Sequence[Rejected]) -> None:
    """Set rows aside that would be refused again and again; they stay in the table with the reason."""
    if refused:
        connection.execute(PARK, {"ids": [one.row.id for one in refused], "reasons": [one.reason for one in refused]})


def _outbox_row(row: Row[Any]) -> OutboxRow:
    value = None if row.value is None else bytes(row.value)
    return OutboxRow(row.id, row.topic, row.key, row.turn, row.failure_id, value, row.headers)
