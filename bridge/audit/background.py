"""Runs an audit every minute in a thread of the relay, with its own connections, and stores it in the table `audits`.

Of several relays one audits: the one that wrote the last figures, or another one once these are old. Each audit
continues where records were not done, and audits take at most a twentieth of the time, so they never delay the outbox.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from confluent_kafka import KafkaException
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bridge.audit.audit import Audit
from bridge.kafka.trouble import client_trouble
from contracts.audits import Figures
from contracts.database import Database, database_trouble, make_engine
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

AUDIT_INTERVAL_SECONDS: Final = 60.0
TAKEOVER_GRACE_SECONDS: Final = 15.0
"""Another relay waits this much longer for new figures, so that the same relay goes on and keeps its counts."""

MAX_DUTY_CYCLE: Final = 0.05
"""The share of the time that audits may take: after a long one the pause is longer than a minute."""

STATEMENT_SECONDS: Final = 30.0
STOP_TIMEOUT_SECONDS: Final = 3.0

LAST_AUDIT: Final = text("SELECT at, EXTRACT(epoch FROM now() - at)::float8 AS seconds FROM audits")
"""When the last audit of any relay was stored; no row before the first one."""

STORE_AUDIT: Final = text("""
    INSERT INTO audits (figures) VALUES (CAST(:figures AS jsonb))
    ON CONFLICT (id) DO UPDATE SET at = now(), figures = EXCLUDED.figures RETURNING at
""")
"""Stores the figures of an audit in place of the previous ones."""


class BackgroundAudit:
    """Audits until `stop` is set. No error ends it."""

    def __init__(self, settings: Settings, database: Database, stop: threading.Event) -> None:
        self._database = database
        self._stop = stop
        self._audit = Audit(settings, database, whole=False)
        self._logged: set[tuple[str, str]] = set()
        self._wrote_at: datetime | None = None

    def run(self) -> None:
        """Audit whenever it is due, until `stop` is set."""
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.run_if_due()
        self._audit.close()

    def run_if_due(self) -> float:
        """Audit if it is due, store the figures, log new findings, and return the seconds until the next call."""
        started_at = time.monotonic()
        try:
            if (wait := self._seconds_until_due()) > 0:
                return wait
            figures = self._audit.run(wait=self._stop.wait)
            self._wrote_at = self._database.rows(STORE_AUDIT, figures=json.dumps(figures))[0].at
        except SQLAlchemyError as error:
            log_trouble(log, database_trouble(error), "the audit is retried")
        except KafkaException as error:
            log_trouble(log, client_trouble(error.args[0]), "the audit is retried")
        except Exception:  # the poll loop's boundary: without it the audits would end unnoticed
            log.exception("The audit failed and is retried.")
        else:
            self._log_findings(figures)
        return max(AUDIT_INTERVAL_SECONDS, (time.monotonic() - started_at) / MAX_DUTY_CYCLE)

    def _seconds_until_due(self) -> float:
        """Return 0 for the relay that wrote the last figures; the others wait until these are old."""
        row = self._database.row(LAST_AUDIT)
        if row is None or row.at == self._wrote_at or row.seconds < 0:  # a time in the future is a wrong clock's
            return 0.0
        return float(AUDIT_INTERVAL_SECONDS + TAKEOVER_GRACE_SECONDS - row.seconds)

    def _log_findings(self, figures: Figures) -> None:
        """Log each finding once; one that disappears and returns is logged again."""
        current = {(finding["kind"], finding["subject"]): finding["text"] for finding in figures["finding_details"]}
        for (kind, subject), line in current.items():
            if (kind, subject) not in self._logged:
                log.error("ALARM: audit inconsistency: %s", f"{kind}: {subject}: {line}")
        self._logged = set(current)


@contextmanager
def background_audit(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """Run a BackgroundAudit during the body, which sets `stop` before it ends.

    An audit that waits for a store delays the end by at most STOP_TIMEOUT_SECONDS.
    """
    engine = make_engine(settings.database_url, "audit", statement_seconds=STATEMENT_SECONDS, connections=1)
    thread = threading.Thread(target=BackgroundAudit(settings, Database(engine), stop).run, name="audit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(STOP_TIMEOUT_SECONDS)
        engine.dispose()
