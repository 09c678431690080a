"""The relay's own audit: every minute, in a thread and with connections of its own, into the table `audits`.

Of several relays one does it: whoever finds the last figures old. It goes on behind what it has seen done, and takes at
most a twentieth of the time, so that it never holds up the outbox.
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
from bridge.console import escape_control_chars
from bridge.log_throttle import LogThrottle
from contracts.audits import Figures
from contracts.database import Database, describe_error, make_engine
from contracts.settings import Settings

log = logging.getLogger(__name__)

AUDIT_INTERVAL_SECONDS: Final = 60.0
TAKEOVER_GRACE_SECONDS: Final = 15.0
"""Figures are old for another relay only this much later, so that one of them keeps its memory of what is done."""

MAX_DUTY_CYCLE: Final = 0.05
STATEMENT_SECONDS: Final = 30.0
STOP_TIMEOUT_SECONDS: Final = 3.0

LAST_AUDIT: Final = text("SELECT at, EXTRACT(epoch FROM now() - at)::float8 AS seconds FROM audits")

STORE_AUDIT: Final = text("""
    INSERT INTO audits (figures) VALUES (CAST(:figures AS jsonb))
    ON CONFLICT (id) DO UPDATE SET at = now(), figures = EXCLUDED.figures RETURNING at
""")


class BackgroundAudit:
    """Audits until `stop` is set. Ends for no error."""

    def __init__(self, settings: Settings, database: Database, stop: threading.Event) -> None:
        self._database = database
        self._stop = stop
        self._audit = Audit(settings, database, whole=False)
        self._seldom = LogThrottle()
        self._logged: set[tuple[str, str]] = set()
        self._wrote_at: datetime | None = None

    def run(self) -> None:
        """Look again and again."""
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self.run_if_due()
        self._audit.close()

    def run_if_due(self) -> float:
        """Audit if it is time to; returns the seconds to wait."""
        begun = time.monotonic()
        try:
            if (wait := self._seconds_until_due()) > 0:
                return wait
            figures = self._audit.run(wait=self._stop.wait)
            self._wrote_at = self._database.rows(STORE_AUDIT, figures=json.dumps(figures))[0].at
        except SQLAlchemyError as away:
            self._log_unavailable(f"PostgreSQL: {describe_error(away)}")
        except KafkaException as away:
            self._log_unavailable(f"Kafka: {away.args[0].str()}")
        except Exception:  # the poll loop's boundary: what only counts must not end quietly either
            log.exception("An audit failed and is tried again.")
        else:
            self._log_findings(figures)
        return max(AUDIT_INTERVAL_SECONDS, (time.monotonic() - begun) / MAX_DUTY_CYCLE)

    def _seconds_until_due(self) -> float:
        """Who wrote the last figures goes on; the others wait until they are old."""
        row = self._database.row(LAST_AUDIT)
        if row is None or row.at == self._wrote_at:
            return 0.0
        return float(
            AUDIT_INTERVAL_SECONDS + TAKEOVER_GRACE_SECONDS - max(0.0, row.seconds)
        )  # its clock may have been set back

    def _log_unavailable(self, what: str) -> None:
        if self._seldom.is_due("away"):
            log.warning("A store does not answer, the audit waits: %s", what)

    def _log_findings(self, figures: Figures) -> None:
        """Each finding once, for as long as it lasts."""
        now = {(one["kind"], one["subject"]): one["line"] for one in figures["found"]}
        for known, line in now.items():
            if known not in self._logged:
                log.error("ALARM the books do not add up: %s", escape_control_chars(f"{known[0]}: {known[1]}: {line}"))
        self._logged = set(now)


@contextmanager
def background_audit(settings: Settings, stop: threading.Event) -> Iterator[None]:
    """An audit beside the body, until `stop` is set. One that waits for a store does not hold up the end."""
    engine = make_engine(settings.database_url, "audit", statement_seconds=STATEMENT_SECONDS, connections=1)
    thread = threading.Thread(target=BackgroundAudit(settings, Database(engine), stop).run, name="audit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(STOP_TIMEOUT_SECONDS)
        engine.dispose()
