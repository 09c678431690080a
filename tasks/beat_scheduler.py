"""Celery beat's scheduler, which writes the nightly row into `batches` by itself.

A message to a worker would have Redis in between, and what Redis forgets there no second ring brings back.
"""

import logging
from collections.abc import Callable
from itertools import repeat
from typing import Any, Final

from celery.beat import PersistentScheduler, ScheduleEntry
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import describe_error
from contracts.retry import retry

log = logging.getLogger(__name__)

MAX_SLEEP_SECONDS: Final = 5.0
"""The longest sleep between two looks at the clock, and so between two signs of life."""

RETRY_DELAY_SECONDS: Final = 2.0


class NightlyScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery carries no types
    """What `beat_scheduler` names: every due entry is one call of `ask`, repeated while PostgreSQL is unavailable.

    The schedule's file keeps the time of the last run, so a night that passed while beat was down is made up for as
    soon as it runs again. `alive` is called at every look.
    """

    _store: Any = None
    """The file, open."""

    producer = None
    """Celery's own would connect to the broker before an entry is looked at."""

    def __init__(
        self, *args: Any, request_batch: Callable[[], object], show_life: Callable[[], object], **kwargs: Any
    ) -> None:
        self._request_batch = request_batch
        self._show_life = show_life
        super().__init__(*args, **kwargs)

    def install_default_entries(self, data: Any) -> None:
        """None: Celery's own cleans a store of results, and there is none."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One look; Celery's answer is how long to sleep."""
        self._show_life()
        return float(super().tick(*args, **kwargs))

    def sync(self) -> None:
        """Write down what ran when. Only who closes its file surely has: ndbm, which many a Python finds first, keeps
        all in memory until then, and a beat that was killed would ask for the same night again."""
        if self._store is not None:
            self._store.close()
            self._store = self._open_schedule()

    def reserve(self, entry: ScheduleEntry) -> ScheduleEntry:
        """Write the row, and only then note that it was written: a beat that is ended in between asks again.

        Celery calls this first of all for a due entry.
        """
        self._request_until_success()
        noted = super().reserve(entry)
        self.sync()
        log.info("The nightly batch is asked for.")
        return noted

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """`reserve` has done it."""

    def _request_until_success(self) -> None:
        retry(
            self._request_batch,
            errors=SQLAlchemyError,
            delays=repeat(RETRY_DELAY_SECONDS),
            on_retry=self._on_retry,
        )

    def _on_retry(self, error: Exception, delay: float) -> None:
        self._show_life()
        log.warning(
            "PostgreSQL is unavailable or refuses, the nightly batch is requested again in %g s: %s",
            delay,
            describe_error(error),
        )
