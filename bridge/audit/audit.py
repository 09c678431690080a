"""The audit as a whole. It may be kept and run again; it then reads what is new and what was open.

The order of the questions is what makes a look at running stores honest: open thoughts, then the outbox, then commits,
then the ends of the log, then the records up to there, and PostgreSQL's verdicts on them last.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from bridge.audit import backlog, user_order
from bridge.audit.dead_letters import DeadLetterCheck
from bridge.audit.findings import confirmed
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from bridge.audit.work_topic import WorkTopicCheck
from bridge.kafka.topic_reader import TopicReader
from contracts.audits import Figures
from contracts.database import Database
from contracts.settings import Settings

MAX_STORED_FINDINGS: Final = 100
"""Findings in words that a relay's audit keeps in its row; a person's tells all."""

CONFIRM_AFTER_SECONDS: Final = 3.0
"""What may pass by itself is looked at again after this long."""


class Audit:
    """Looks at both stores. `whole` checks the order of every user's calls, else of those whose records it reads; in
    batch mode, where it reads none, of everybody's as well."""

    def __init__(self, settings: Settings, database: Database, *, whole: bool) -> None:
        self._settings = settings
        self._whole = whole
        self._queries = AuditQueries(database, settings)
        self._reader = TopicReader(settings, "audit") if settings.kafka_enabled else None
        self._dead_letters = DeadLetterCheck(settings, database, self._queries, self._reader)
        self._work_topic = (
            WorkTopicCheck(settings, self._queries, self._reader) if self._reader and settings.consumes_kafka else None
        )

    def run(self, wait: Callable[[float], object] = time.sleep) -> Figures:
        """Look, and look again at what may pass. Raises SQLAlchemyError or KafkaException when a store is away."""
        begun = time.monotonic()
        found = self._take_snapshot()
        if found.findings:
            first = found.findings
            wait(CONFIRM_AFTER_SECONDS)
            found = self._take_snapshot()
            found.findings = confirmed(first, found.findings)
        found.numbers["seconds"] = time.monotonic() - begun
        return found.figures(
            "batch" if self._work_topic is None else "kafka", None if self._whole else MAX_STORED_FINDINGS
        )

    def close(self) -> None:
        """Let go of Kafka."""
        if self._reader is not None:
            self._reader.close()

    def _take_snapshot(self) -> AuditSnapshot:
        found = AuditSnapshot()
        touched: set[UUID] = self._work_topic.run(found) if self._work_topic else set()
        self._dead_letters.run(found)
        every = self._whole or self._work_topic is None
        users = self._queries.pages_of_users() if every else user_order.paged(touched)
        user_order.check_users(self._queries, self._settings.max_attempts, users, found)
        backlog.check_backlog(
            self._queries, by_kafka=self._reader is not None, in_batches=not self._settings.consumes_kafka, found=found
        )
        return found
