"""Runs audits. The first run of an `Audit` reads everything; a later one reads only what is new and what was open.

The order of the queries makes a snapshot of running stores consistent: open thoughts first, then the outbox, commits,
the ends of the log, the records up to there, and last PostgreSQL's states of these records.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from bridge.audit import backlog, user_order
from bridge.audit.dead_letters import DeadLetterCheck
from bridge.audit.findings import confirm_findings
from bridge.audit.queries import AuditQueries
from bridge.audit.snapshot import AuditSnapshot
from bridge.audit.work_topic import WorkTopicCheck
from bridge.kafka.topic_reader import TopicReader
from contracts.audits import Figures
from contracts.database import Database
from contracts.settings import Settings

MAX_STORED_FINDINGS: Final = 100
"""A relay's audit stores so many findings in its row; the command prints all."""

CONFIRM_AFTER_SECONDS: Final = 3.0
"""Findings that may disappear are confirmed by a second snapshot after this time."""


class Audit:
    """Compares both stores.

    With `whole` it checks the order of calls of every user, otherwise only of users whose records it reads. In batch
    mode it reads no records and therefore checks every user.
    """

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
        """Return the figures of one audit; findings that may disappear are confirmed by a second snapshot.

        Raises SQLAlchemyError when PostgreSQL is unavailable, KafkaException when Kafka is.
        """
        started_at = time.monotonic()
        snapshot = self._take_snapshot()
        if snapshot.findings:
            first = snapshot.findings
            wait(CONFIRM_AFTER_SECONDS)
            snapshot = self._take_snapshot()
            snapshot.findings = confirm_findings(first, snapshot.findings)
        snapshot.numbers["seconds"] = time.monotonic() - started_at
        return snapshot.figures(
            "batch" if self._work_topic is None else "kafka", None if self._whole else MAX_STORED_FINDINGS
        )

    def close(self) -> None:
        """Close the connections to Kafka."""
        if self._reader is not None:
            self._reader.close()

    def _take_snapshot(self) -> AuditSnapshot:
        snapshot = AuditSnapshot()
        users_read: set[UUID] = self._work_topic.run(snapshot) if self._work_topic else set()
        self._dead_letters.run(snapshot)
        checks_all_users = self._whole or self._work_topic is None
        users = self._queries.pages_of_users() if checks_all_users else user_order.split_into_pages(users_read)
        user_order.check_users(self._queries, self._settings.max_attempts, users, snapshot)
        backlog.check_backlog(
            self._queries,
            has_relay=self._reader is not None,
            in_batches=not self._settings.consumes_kafka,
            snapshot=snapshot,
        )
        return snapshot
