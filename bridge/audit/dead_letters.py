"""Dead letters: the table against the topic, from the topic's first record on, and both against the thoughts."""

from bridge.audit import findings
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from bridge.dead_letters.topic_index import TopicIndex, expected_in_topic
from bridge.kafka.topic_reader import TopicReader
from contracts.database import Database
from contracts.settings import Settings


class DeadLetterCheck:
    """Kept from one look to the next, it reads of the topic only what is new."""

    def __init__(self, settings: Settings, database: Database, facts: AuditQueries, log: TopicReader | None) -> None:
        self._database = database
        self._facts = facts
        self._in_topic = None if log is None else TopicIndex(log, settings.kafka_dead_letter_topic)

    def run(self, found: AuditSnapshot) -> None:
        """Count and compare."""
        sums = self._facts.dead_letter_counts()
        found.numbers["dead_letters_indexed"], found.numbers["dead_letters_open"] = sums.indexed, sums.open
        found.numbers["dead_letters_unpublished"] = sums.unpublished
        found.findings += [
            findings.dead_letter_without_failure(row.failure_id, row.thought, row.status)
            for row in self._facts.dead_letters_without_failure()
        ]
        if self._in_topic is not None:
            self._compare(self._in_topic, found)

    def _compare(self, in_topic: TopicIndex, found: AuditSnapshot) -> None:
        """The table is read before the ends of the topic: what it says to be published is there by then."""
        published = [row for row in expected_in_topic(self._database) if row.failure_id not in in_topic.positions]
        in_topic.read()
        found.numbers["dead_letters_in_topic"] = len(in_topic.positions)
        found.findings += self._not_indexed(in_topic)
        found.findings += [
            findings.dead_letter_not_in_topic(row.failure_id, row.thought, row.kafka_partition, row.kafka_offset)
            for row in published
            if in_topic.is_missing(row)
        ]

    def _not_indexed(self, in_topic: TopicIndex) -> list[findings.Finding]:
        names = list(in_topic.positions)
        unknown: set[str] = set()
        for start in range(0, len(names), 5_000):
            asked = names[start : start + 5_000]
            unknown |= set(asked) - self._facts.indexed(asked)
        return [findings.dead_letter_not_indexed(name, *in_topic.positions[name]) for name in sorted(unknown)]
