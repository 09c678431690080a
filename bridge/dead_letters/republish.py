"""Publishes dead letters again that the topic should hold but does not.

The audit has the same rule: the topic should hold what Kafka once acknowledged, unless it expired, and what has no row
in the outbox.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from confluent_kafka import KafkaException
from sqlalchemy import text

from bridge.dead_letters.topic_index import TopicContents, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database, Row
from contracts.installation import read_installation_id
from contracts.settings import Settings

MAX_ROWS: Final = 100
"""Dead letters per statement."""

REPUBLISH: Final = text("""
    WITH selected AS (
      SELECT * FROM unnest(CAST(:failures AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
               AS selected(failure_id, kafka_partition, kafka_offset)),
    d AS (
      UPDATE dead_letters l SET kafka_partition = NULL, kafka_offset = NULL FROM selected
       WHERE l.failure_id = selected.failure_id AND l.kafka_partition IS NOT DISTINCT FROM selected.kafka_partition
         AND l.kafka_offset IS NOT DISTINCT FROM selected.kafka_offset
         AND NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id)
      RETURNING l.failure_id, l.thought_id, l.value, l.headers),
    o AS (
      INSERT INTO outbox (topic, key, failure_id, value, headers)
      SELECT CAST(:topic AS text), CAST(t.user_id AS text), d.failure_id, d.value, d.headers
        FROM d LEFT JOIN thoughts t ON t.id = d.thought_id RETURNING id)
    SELECT count(*) AS written FROM o
""")
"""Writes only dead letters whose position in the index is still the one that was checked, and that have no row in the
outbox: a repeat therefore writes nothing. Two commands at the same time may write one twice if Kafka gives it its old
position again between them. Its outbox rows: contracts/outbox.py."""


@dataclass(slots=True)
class RepublishResult:
    """Counts of dead letters: `expected` in the topic, `missing` there, and `written` to the outbox of the missing."""

    expected: int = 0
    missing: int = 0
    written: int = 0

    def line(self, *, dry_run: bool) -> str:
        """Return one line for a terminal."""
        counts = f"Dead letters that should be in the topic: {self.expected:,}; missing: {self.missing:,}"
        if dry_run:
            return f"{counts}. Dry run, nothing was changed."
        skipped = self.missing - self.written
        waiting = f"; already waiting there or published in the meantime: {skipped:,}" if skipped else ""
        return f"{counts}; written to the outbox: {self.written:,}{waiting}."

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON-ready values."""
        return asdict(self)


def republish(database: Database, settings: Settings, *, dry_run: bool) -> RepublishResult:
    """Write the dead letters that the topic lacks to the outbox, for a relay to publish.

    Raises SQLAlchemyError when PostgreSQL is unavailable, SystemExit with one line when the topic cannot be read. The
    command may be repeated; it continues where it ended.
    """
    letters = list(expected_in_topic(database))
    topic_index = _read_topic(settings, read_installation_id(database))
    missing = [letter for letter in letters if topic_index.is_missing(letter)]
    result = RepublishResult(len(letters), len(missing))
    for start in range(0, 0 if dry_run else len(missing), MAX_ROWS):
        result.written += _write(database, settings.kafka_dead_letter_topic, missing[start : start + MAX_ROWS])
    return result


def _read_topic(settings: Settings, own_id: str) -> TopicContents:
    reader = TopicReader(settings, "republish")
    topic_index = TopicContents(reader, settings.kafka_dead_letter_topic)
    try:
        topic_index.read(own_id)
    except KafkaException as error:
        advice = "Is Kafka running? `python -m bridge create-topics` creates a missing topic."
        raise SystemExit(f"The dead letter topic could not be read: {error.args[0].str()}. {advice}") from None
    finally:
        reader.close()
    return topic_index


def _write(database: Database, topic: str, letters: Sequence[Row]) -> int:
    positions = {
        "failures": [letter.failure_id for letter in letters],
        "partitions": [letter.kafka_partition for letter in letters],
        "offsets": [letter.kafka_offset for letter in letters],
    }
    return int(database.rows(REPUBLISH, topic=topic, **positions)[0].written)
