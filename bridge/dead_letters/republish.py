"""Publish: dead letters that should be in the topic, and that it does not hold, go to it again.

Which they are is the audit's own rule: what Kafka once acknowledged, unless it expired, and what is not on its way.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from confluent_kafka import KafkaException
from sqlalchemy import text

from bridge.dead_letters.topic_index import TopicIndex, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database, Row
from contracts.settings import Settings

MAX_ROWS: Final = 100

REPUBLISH: Final = text("""
    WITH told AS (
      SELECT * FROM unnest(CAST(:failures AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
               AS told(failure_id, kafka_partition, kafka_offset)),
    d AS (
      UPDATE dead_letters l SET kafka_partition = NULL, kafka_offset = NULL FROM told
       WHERE l.failure_id = told.failure_id AND l.kafka_partition IS NOT DISTINCT FROM told.kafka_partition
         AND l.kafka_offset IS NOT DISTINCT FROM told.kafka_offset
         AND NOT EXISTS (SELECT FROM outbox o WHERE o.failure_id = l.failure_id)
      RETURNING l.failure_id, l.thought_id, l.value, l.headers),
    o AS (
      INSERT INTO outbox (topic, key, failure_id, value, headers)
      SELECT CAST(:topic AS text), CAST(t.user_id AS text), d.failure_id, d.value, d.headers
        FROM d LEFT JOIN thoughts t ON t.id = d.thought_id RETURNING id)
    SELECT count(*) AS written FROM o
""")
"""Only what still stands in the index where it was looked for, and does not wait in the outbox: a repeat finds nothing
more to write. Two at the same time may write one twice, if Kafka gives it its old place again between them.
Its outbox rows: contracts/outbox.py."""


@dataclass(slots=True)
class RepublishResult:
    """What was found. `missing` of the `expected` are not in the topic; `written` of those went to the outbox."""

    expected: int = 0
    missing: int = 0
    written: int = 0

    def line(self, *, dry_run: bool) -> str:
        """One line for a terminal."""
        found = f"{self.expected:,} dead letters should be in the topic, {self.missing:,} are not"
        if dry_run:
            return f"{found}; nothing was changed."
        there = self.missing - self.written
        waiting = f", {there:,} wait there already or were sent meanwhile" if there else ""
        return f"{found}: {self.written:,} were written to the outbox again{waiting}."

    def to_json(self) -> dict[str, Any]:
        """The same as JSON-ready values."""
        return asdict(self)


def republish(database: Database, settings: Settings, *, dry_run: bool) -> RepublishResult:
    """Write what the topic misses into the outbox, for a relay to publish.

    Raises SQLAlchemyError, and SystemExit in one line when Kafka does not answer; a new run goes on where it ended.
    """
    letters = list(expected_in_topic(database))
    in_topic = _read(settings)
    missing = [letter for letter in letters if in_topic.is_missing(letter)]
    found = RepublishResult(len(letters), len(missing))
    for first in range(0, 0 if dry_run else len(missing), MAX_ROWS):
        found.written += _write(database, settings.kafka_dead_letter_topic, missing[first : first + MAX_ROWS])
    return found


def _read(settings: Settings) -> TopicIndex:
    log, topic = TopicReader(settings, "publish"), settings.kafka_dead_letter_topic
    in_topic = TopicIndex(log, topic)
    try:
        in_topic.read()
    except KafkaException as away:
        advice = "Is Kafka up? `python -m bridge create-topics` makes a topic that is not there."
        raise SystemExit(f"The dead letter topic could not be read: {away.args[0].str()}. {advice}") from None
    finally:
        log.close()
    return in_topic


def _write(database: Database, topic: str, letters: Sequence[Row]) -> int:
    places = {
        "failures": [letter.failure_id for letter in letters],
        "partitions": [letter.kafka_partition for letter in letters],
        "offsets": [letter.kafka_offset for letter in letters],
    }
    return int(database.rows(REPUBLISH, topic=topic, **places)[0].written)
