"""Celery beat's scheduler, which writes the nightly request into the table `batches` itself.

A message to a worker would go through Redis, and nothing would send it again if Redis lost it.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, Final

from celery.beat import PersistentScheduler, ScheduleEntry
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import database_trouble
from contracts.reporter import Reporter
from contracts.retry import retry
from contracts.trouble_log import log_trouble

log = logging.getLogger(__name__)

MAX_SLEEP_SECONDS: Final = 1.0
"""The longest sleep between two ticks, and so between two heartbeats: beat counts as stopped after a few seconds."""

RETRY_DELAY_SECONDS: Final = 2.0

CLOCK_TOLERANCE: Final = timedelta(seconds=5)
"""A last run that is no further in the future is a clock that was adjusted a little: nothing is requested twice."""


FIRST_RUN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""No batch ran earlier."""


class NightlyScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery has no type hints
    """The scheduler named by `beat_scheduler`. Each due entry calls `request_batch` until PostgreSQL has accepted it.

    The schedule file keeps the time of the last run, so a night that passed while beat was down is requested as soon as
    beat runs again. `heartbeat` is called at every tick and at every retry, and `reporter` runs from the first tick on.
    """

    _store: Any = None
    """The open schedule file."""

    producer = None
    """None, because Celery's own producer would connect to the broker before the first entry is examined."""

    def __init__(
        self,
        *args: Any,
        request_batch: Callable[[], object],
        heartbeat: Callable[[], object],
        reporter: Reporter,
        **kwargs: Any,
    ) -> None:
        self._request_batch = request_batch
        self._heartbeat = heartbeat
        self._reporter = reporter
        super().__init__(*args, **kwargs)

    def install_default_entries(self, data: Any) -> None:
        """Install nothing: Celery's default entry cleans a result backend, and there is none."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due and return how many seconds to sleep."""
        self._heartbeat()
        self._reporter.start()
        self._forget_implausible_runs()
        return float(super().tick(*args, **kwargs))

    def close(self) -> None:
        """Persist the schedule, and stop reporting that beat runs."""
        super().close()
        self._reporter.stop()

    def _forget_implausible_runs(self) -> None:
        """Let an entry whose last run cannot be believed run at its next time.

        The clock was wrong when it ran, so its last run is unknown. Celery would wait until a future time has come,
        find no next run after the first days of the calendar, and end with an error at a time without a zone.
        """
        for entry in self.schedule.values():
            now = entry.default_now()
            if not _is_plausible(entry.last_run_at, now):
                log.warning(
                    "The stored time of the last nightly batch, %s, is in the future or no time, and is forgotten.",
                    entry.last_run_at,
                )
                entry.last_run_at = now
                self.sync()

    def sync(self) -> None:
        """Persist the schedule by closing and reopening its file.

        Only closing is certain to write it: ndbm, which many Python installations select first, keeps everything in
        memory until then, and a killed beat would request the same night again.
        """
        if self._store is not None:
            self._store.close()
            self._store = self._open_schedule()

    def reserve(self, entry: ScheduleEntry) -> ScheduleEntry:
        """Request the batch first and persist the run afterwards: a beat that stops in between requests it again.

        This is the first method that Celery calls for a due entry.
        """
        self._request_until_success()
        next_entry = super().reserve(entry)
        self.sync()
        log.info("The nightly batch is requested.")
        return next_entry

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send no message: `reserve` has already requested the batch."""

    def _request_until_success(self) -> None:
        retry(
            self._request_batch,
            errors=SQLAlchemyError,
            delays=repeat(RETRY_DELAY_SECONDS),
            on_retry=self._on_retry,
        )

    def _on_retry(self, error: Exception, delay: float) -> None:
        self._heartbeat()
        log_trouble(log, database_trouble(error), f"the nightly batch is requested again in {delay:g} s")


def _is_plausible(last_run_at: Any, now: datetime) -> bool:
    is_aware = isinstance(last_run_at, datetime) and last_run_at.tzinfo is not None
    return is_aware and FIRST_RUN <= last_run_at <= now + CLOCK_TOLERANCE
