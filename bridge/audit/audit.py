"""The audit as a whole. It may be kept and run again; it then reads what is new and what was open.

The order of the questions is what makes a look at running stores honest: open thoughts, then the outbox, then commits,
then the ends of the log, then the records up to there, and PostgreSQL's verdicts on them last.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from bridge.audit import backlog, user_order
from bridge.audit.dead_letters import Letters
from bridge.audit.findings import confirmed
from bridge.audit.queries import Facts
from bridge.audit.snapshot import Look
from bridge.audit.work_topic import Rings
from bridge.kafka.topic_reader import Log
from contracts.audits import Figures
from contracts.database import Database
from contracts.settings import Settings

MOST_STORED: Final = 100
"""Findings in words that a relay's audit keeps in its row; a person's tells all."""

CONFIRM_SECONDS: Final = 3.0
"""What may pass by itself is looked at again after this long."""


class Audit:
    """Looks at both stores. `whole` checks the order of every user's calls, else of those whose records it reads; in
    batch mode, where it reads none, of everybody's as well."""

    def __init__(self, settings: Settings, database: Database, *, whole: bool) -> None:
        self._settings = settings
        self._whole = whole
        self._facts = Facts(database, settings)
        self._log = Log(settings, "audit") if settings.kafka_enabled else None
        self._letters = Letters(settings, database, self._facts, self._log)
        self._rings = Rings(settings, self._facts, self._log) if self._log and settings.takes_from_kafka else None

    def run(self, wait: Callable[[float], object] = time.sleep) -> Figures:
        """Look, and look again at what may pass. Raises SQLAlchemyError or KafkaException when a store is away."""
        begun = time.monotonic()
        found = self._look()
        if found.findings:
            first = found.findings
            wait(CONFIRM_SECONDS)
            found = self._look()
            found.findings = confirmed(first, found.findings)
        found.numbers["seconds"] = time.monotonic() - begun
        return found.figures("batch" if self._rings is None else "kafka", None if self._whole else MOST_STORED)

    def close(self) -> None:
        """Let go of Kafka."""
        if self._log is not None:
            self._log.close()

    def _look(self) -> Look:
        found = Look()
        touched: set[UUID] = self._rings.look(found) if self._rings else set()
        self._letters.look(found)
        every = self._whole or self._rings is None
        users = self._facts.pages_of_users() if every else user_order.pages(touched)
        user_order.look(self._facts, self._settings.max_attempts, users, found)
        backlog.look(
            self._facts, by_kafka=self._log is not None, in_batches=not self._settings.takes_from_kafka, found=found
        )
        return found
