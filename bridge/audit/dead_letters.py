"""Compares dead letters: the index with the topic, from the topic's first record on, and both with the thoughts."""

from typing import Final

from bridge.audit import findings
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from bridge.dead_letters.topic_index import TopicContents, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database
from contracts.settings import Settings

FAILURES_PER_QUERY: Final = 5_000


class DeadLetterCheck:
    """Checks the dead letters. It is kept between audits and then reads only new records of the topic."""

    def __init__(
        self, settings: Settings, database: Database, queries: AuditQueries, reader: TopicReader | None
    ) -> None:
        self._database = database
        self._queries = queries
        self._topic_index = None if reader is None else TopicContents(reader, settings.kafka_dead_letter_topic)

    def run(self, snapshot: AuditSnapshot) -> None:
        """Count the dead letters and report inconsistencies. Raises SQLAlchemyError and KafkaException."""
        counts = self._queries.dead_letter_counts()
        snapshot.numbers["dead_letters_indexed"], snapshot.numbers["dead_letters_open"] = counts.indexed, counts.open
        snapshot.numbers["dead_letters_unpublished"] = counts.unpublished
        snapshot.findings += [
            findings.dead_letter_without_failure(row.failure_id, row.thought, row.status)
            for row in self._queries.dead_letters_without_failure()
        ]
        if self._topic_index is not None:
            self._compare(self._topic_index, snapshot)

    def _compare(self, topic_index: TopicContents, snapshot: AuditSnapshot) -> None:
        """Compare index and topic.

        The index is read before the ends of the topic, so that each record that it calls published is in the topic.
        """
        not_yet_read = [row for row in expected_in_topic(self._database) if row.failure_id not in topic_index.positions]
        topic_index.read(self._queries.installation_id())
        snapshot.numbers["dead_letters_in_topic"] = len(topic_index.positions)
        snapshot.findings += self._not_indexed(topic_index)
        snapshot.findings += [
            findings.dead_letter_not_in_topic(row.failure_id, row.thought, row.kafka_partition, row.kafka_offset)
            for row in not_yet_read
            if topic_index.is_missing(row)
        ]

    def _not_indexed(self, topic_index: TopicContents) -> list[findings.Finding]:
        failure_ids = list(topic_index.positions)
        missing: set[str] = set()
        for start in range(0, len(failure_ids), FAILURES_PER_QUERY):
            page = failure_ids[start : start + FAILURES_PER_QUERY]
            missing |= set(page) - self._queries.indexed(page)
        return [
            findings.dead_letter_not_indexed(failure_id, *topic_index.positions[failure_id])
            for failure_id in sorted(missing)
        ]
