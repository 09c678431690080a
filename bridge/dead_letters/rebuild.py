"""Rebuild: rows of the index that are missing in PostgreSQL are restored from the dead letter topic.

The topic is read without a group and without a commit, from its earliest record to where it ended at the start. What
is in the index stays as it is, so that a second run adds nothing.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from confluent_kafka import KafkaException
from sqlalchemy import text

from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.topic_reader import TopicItem, TopicReader
from bridge.records.decode import decode_headers as record_headers
from contracts.database import Database
from contracts.dead_letters import parse_failure_id, read_headers
from contracts.settings import Settings

MAX_ROWS: Final = 100
MAX_BYTES: Final = 4 * 1024 * 1024
"""A statement that restores rows ends with the first that makes it so large: it has to end in its time."""

RESTORE: Final = text("""
    WITH told AS (
      SELECT * FROM unnest(CAST(:failures AS text[]), CAST(:thoughts AS uuid[]), CAST(:turns AS bigint[]),
                           CAST(:reasons AS text[]), CAST(:values AS bytea[]), CAST(:headers AS jsonb[]),
                           CAST(:times AS timestamptz[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                           CAST(:claims AS uuid[]), CAST(:users AS uuid[]))
               AS told(failure_id, thought_id, turn, reason, value, headers, created_at, partition, place,
                       claimed, user_id)),
    added AS (
      INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers, state, created_at,
                                kafka_partition, kafka_offset)
      SELECT told.failure_id, told.thought_id, told.turn, told.reason,
             CASE WHEN t.status = 'deleted' THEN '' ELSE told.value END,
             CASE WHEN t.status = 'deleted'
                  THEN told.headers - CAST('{message,stack,original_key,original_headers}' AS text[])
                  ELSE told.headers END,
             CASE WHEN t.status = 'deleted' THEN 'discarded'
                  WHEN t.id IS NULL OR (t.status = 'failed' AND t.turn = told.turn) THEN 'open' ELSE 'replayed' END,
             told.created_at, told.partition, told.place
        FROM told LEFT JOIN thoughts t
            ON (t.id = told.thought_id)
            OR (t.id = told.claimed AND t.user_id = told.user_id AND t.status = 'deleted')
          ON CONFLICT (failure_id) DO NOTHING RETURNING failure_id)
    SELECT count(*) AS added FROM added
""")
"""A thought that moved on must have been replayed. The words of a deleted thought do not come back."""


@dataclass(frozen=True, slots=True)
class TopicDeadLetter:
    """A record of the topic, as the index keeps it. `claimed` and `user_id` are what a buried event says of itself."""

    failure_id: str
    thought_id: UUID | None
    turn: int | None
    reason: str
    value: bytes | None
    headers: str
    created_at: datetime
    partition: int
    offset: int
    claimed_thought_id: UUID | None
    user_id: UUID | None


@dataclass(slots=True)
class RebuildResult:
    """What a rebuild found. `records` counts repeats of one failure too; `unreadable` are no dead letters of ours."""

    records: int = 0
    added: int = 0
    other_records: int = 0

    def line(self) -> str:
        """One line for a terminal."""
        there = self.records - self.added - self.other_records
        return (
            f"{self.records:,} records in the topic: {self.added:,} rows were added, {there:,} were there, "
            f"{self.other_records:,} records are no dead letters of this system."
        )

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready values."""
        return asdict(self)


def rebuild(database: Database, settings: Settings) -> RebuildResult:
    """Read the whole topic and add what is missing.

    Raises SQLAlchemyError, and SystemExit in one line when Kafka does not answer; a new run goes on where it ended.
    """
    done = RebuildResult()
    try:
        for batch in _batches(_records(settings)):
            found = [parse_dead_letter(message) for message in batch]
            letters = [one for one in found if one is not None]
            done.records += len(found)
            done.other_records += len(found) - len(letters)
            done.added += _restore(database, letters)
    except KafkaException as away:
        raise SystemExit(f"The dead letter topic could not be read: {away.args[0].str()}. Is Kafka up?") from None
    return done


def parse_dead_letter(message: TopicItem) -> TopicDeadLetter | None:
    """The row that a record tells of; None for a record that is no dead letter of ours, or cannot be decoded."""
    if isinstance(message, CorruptRecord) or (told := read_headers(record_headers(message))) is None:
        return None
    failure_id, headers = told
    thought_id, turn = parse_failure_id(failure_id) or (None, None)
    when = datetime.fromtimestamp(max(0, message.timestamp()[1]) / 1000, UTC)
    place = (message.partition() or 0, message.offset() or 0)
    reason = str(headers["reason"])
    claim = (_uuid(headers.get("thought_id")), _uuid(headers.get("user_id")))
    return TopicDeadLetter(
        failure_id, thought_id, turn, reason, message.value(), json.dumps(headers), when, *place, *claim
    )


def _uuid(told: Any) -> UUID | None:
    try:
        return UUID(told)
    except (ValueError, AttributeError, TypeError):
        return None


def _records(settings: Settings) -> Iterator[TopicItem]:
    """All records of the topic, partition by partition. Raises KafkaException when Kafka is unavailable."""
    log, topic = TopicReader(settings, "rebuild"), settings.kafka_dead_letter_topic
    try:
        spans = [(one.partition, one.low, one.high) for one in log.partition_offsets(topic)]
        yield from chain.from_iterable(log.records(topic, spans))
    finally:
        log.close()


def _batches(messages: Iterable[TopicItem]) -> Iterator[list[TopicItem]]:
    batch: list[TopicItem] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += 0 if isinstance(message, CorruptRecord) else len(message.value() or b"")
        if len(batch) >= MAX_ROWS or size >= MAX_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _restore(database: Database, letters: Sequence[TopicDeadLetter]) -> int:
    if not letters:
        return 0
    columns = {
        "failures": [one.failure_id for one in letters],
        "thoughts": [one.thought_id for one in letters],
        "turns": [one.turn for one in letters],
        "reasons": [one.reason for one in letters],
        "values": [one.value for one in letters],
        "headers": [one.headers for one in letters],
        "times": [one.created_at for one in letters],
        "partitions": [one.partition for one in letters],
        "offsets": [one.offset for one in letters],
        "claims": [one.claimed_thought_id for one in letters],
        "users": [one.user_id for one in letters],
    }
    return int(database.rows(RESTORE, **columns)[0].added)
