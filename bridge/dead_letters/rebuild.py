"""Restores missing rows of the index from the dead letter topic.

The topic is read without a consumer group and without commits, from its earliest record to its end at the start of the
command. Existing rows of the index stay unchanged, so a second run adds nothing.
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

from bridge.dead_letters.topic_index import read_dead_letter
from bridge.kafka.corrupt_batches import CorruptRecord
from bridge.kafka.topic_reader import TopicItem, TopicReader
from contracts.database import Database
from contracts.dead_letters import PERSONAL_KEYS, parse_failure_id
from contracts.installation import read_installation_id
from contracts.settings import Settings

MAX_ROWS: Final = 100
"""Records per statement."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""A statement takes no more records once their values reach this size, so that it ends within its time limit."""

REBUILD: Final = text(f"""
    WITH entry AS (
      SELECT * FROM unnest(CAST(:failures AS text[]), CAST(:thoughts AS uuid[]), CAST(:turns AS bigint[]),
                           CAST(:reasons AS text[]), CAST(:values AS bytea[]), CAST(:headers AS jsonb[]),
                           CAST(:times AS timestamptz[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                           CAST(:claims AS uuid[]), CAST(:users AS uuid[]))
               AS entry(failure_id, thought_id, turn, reason, value, headers, created_at, kafka_partition,
                             kafka_offset, claimed, user_id)),
    added AS (
      INSERT INTO dead_letters (failure_id, thought_id, turn, reason, value, headers, state, created_at,
                                kafka_partition, kafka_offset)
      SELECT entry.failure_id, entry.thought_id, entry.turn, entry.reason,
             CASE WHEN t.status = 'deleted' THEN '' ELSE entry.value END,
             CASE WHEN t.status = 'deleted'
                  THEN entry.headers - CAST('{PERSONAL_KEYS}' AS text[])
                  ELSE entry.headers END,
             CASE WHEN t.status = 'deleted' THEN 'discarded'
                  WHEN t.id IS NULL OR (t.status = 'failed' AND t.turn = entry.turn) THEN 'open' ELSE 'replayed' END,
             entry.created_at, entry.kafka_partition, entry.kafka_offset
        FROM entry LEFT JOIN thoughts t
            ON (t.id = entry.thought_id)
            OR (t.id = entry.claimed AND t.status = 'deleted'
                AND EXISTS (SELECT FROM users u WHERE u.id = entry.user_id AND t.user_id IN (u.id, u.account_id)))
          ON CONFLICT (failure_id) DO NOTHING RETURNING failure_id)
    SELECT count(*) AS added FROM added
""")  # noqa: S608  all parts are constants
"""Restores a dead letter as discarded, without the text, when its thought was deleted; as replayed when its thought is
no longer failed in that turn; otherwise as open."""


@dataclass(frozen=True, slots=True)
class TopicDeadLetter:
    """A record of the topic as a row of the index.

    `claimed_thought_id` and `user_id` are what a dead-lettered event says about itself.
    """

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
    """The counts of a rebuild.

    `records` includes duplicates of one failure; `other_records` are not dead letters of this installation.
    """

    records: int = 0
    added: int = 0
    other_records: int = 0

    def line(self) -> str:
        """Return one line for a terminal."""
        existing = self.records - self.added - self.other_records
        return (
            f"Records in the topic: {self.records:,}; rows added to the index: {self.added:,}; already there: "
            f"{existing:,}; not dead letters of this installation: {self.other_records:,}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON-ready values."""
        return asdict(self)


def rebuild(database: Database, settings: Settings) -> RebuildResult:
    """Read the whole topic and add the missing rows.

    Raises SQLAlchemyError when PostgreSQL is unavailable, SystemExit with one line when the topic cannot be read. The
    command may be repeated; it adds what is still missing.
    """
    result, own_id = RebuildResult(), read_installation_id(database)
    try:
        for batch in _batches(_records(settings)):
            parsed = [_parse_dead_letter(message, own_id) for message in batch]
            letters = [letter for letter in parsed if letter is not None]
            result.records += len(parsed)
            result.other_records += len(parsed) - len(letters)
            result.added += _restore(database, letters)
    except KafkaException as error:
        raise SystemExit(f"The dead letter topic could not be read: {error.args[0].str()}. Is Kafka running?") from None
    return result


def _parse_dead_letter(message: TopicItem, own_id: str) -> TopicDeadLetter | None:
    """Return the row of a record; None for one that is no dead letter of this installation or cannot be decoded."""
    if isinstance(message, CorruptRecord) or (parsed := read_dead_letter(message, own_id)) is None:
        return None
    failure_id, headers = parsed
    thought_id, turn = parse_failure_id(failure_id) or (None, None)
    created_at = datetime.fromtimestamp(max(0, message.timestamp()[1]) / 1000, UTC)
    position = (message.partition() or 0, message.offset() or 0)
    reason = str(headers["reason"])
    claimed = (_uuid(headers.get("thought_id")), _uuid(headers.get("user_id")))
    return TopicDeadLetter(
        failure_id, thought_id, turn, reason, message.value(), json.dumps(headers), created_at, *position, *claimed
    )


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None


def _records(settings: Settings) -> Iterator[TopicItem]:
    """Yield all records of the topic; those of a partition in their order. Raises KafkaException."""
    reader, topic = TopicReader(settings, "rebuild"), settings.kafka_dead_letter_topic
    try:
        spans = [(offsets.partition, offsets.low, offsets.high) for offsets in reader.partition_offsets(topic)]
        yield from chain.from_iterable(reader.records(topic, spans))
    finally:
        reader.close()


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
        "failures": [letter.failure_id for letter in letters],
        "thoughts": [letter.thought_id for letter in letters],
        "turns": [letter.turn for letter in letters],
        "reasons": [letter.reason for letter in letters],
        "values": [letter.value for letter in letters],
        "headers": [letter.headers for letter in letters],
        "times": [letter.created_at for letter in letters],
        "partitions": [letter.partition for letter in letters],
        "offsets": [letter.offset for letter in letters],
        "claims": [letter.claimed_thought_id for letter in letters],
        "users": [letter.user_id for letter in letters],
    }
    return int(database.rows(REBUILD, **columns)[0].added)
