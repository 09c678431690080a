"""Redis -> bridge: learns how many steps the workers can run at once, and how many users the other bridges hold.

A thread reads and writes the reports, so a slow Redis never delays the loop. While Redis is unavailable, the last
knowledge is kept: no chain can be sent then anyway.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from bridge.consumer.in_flight_limit import Knowledge, SlotCount, slots_by_worker, users_of_other_bridges
from contracts.presence import PRESENT_SECONDS, Presence, ProcessReport, process_id
from contracts.reporter import REPORT_SECONDS, Reporter

log = logging.getLogger(__name__)

LOOP_TIMEOUT_SECONDS: Final = PRESENT_SECONDS
"""A bridge whose loop has not run for this long does not report itself, because it makes no progress."""


class WorkerSlots:
    """Keeps the knowledge of one bridge, and reports the bridge to the others."""

    def __init__(self, presence: Presence, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._presence = presence
        self._clock = clock
        self._count = SlotCount(lease_seconds)
        self._id = process_id()
        self._reporter = Reporter(presence, self._make_report)
        self._knowledge = Knowledge()
        self._lines = 0
        self._is_blocked = False
        self._asked_at = clock()
        self._stop = threading.Event()

    def start(self) -> None:
        """Read the reports once, then start the thread."""
        self.refresh()
        threading.Thread(target=self._run, name="worker-slots", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread, and delete this bridge's report."""
        self._stop.set()
        self._reporter.withdraw()

    def limit(self, users: int) -> int:
        """Return how many thoughts may be in flight here, while this bridge holds that many users."""
        self._lines, self._asked_at = users, self._clock()
        return self._knowledge.limit(users)

    def note_dispatch(self, *, is_sent: bool) -> None:
        """Note whether the last chains were sent. A bridge that cannot send any is reported as blocked."""
        self._is_blocked = not is_sent

    def refresh(self) -> None:
        """Report this bridge, and read what the others have reported."""
        self._reporter.report_once()
        try:
            seen = self._presence.read()
        except RedisError as error:
            log.debug("Redis is unavailable, the workers are not counted: %s", type(error).__name__)
            return
        slots = self._count.observe(slots_by_worker(seen), self._clock())
        self._knowledge = Knowledge(slots, users_of_other_bridges(seen, self._id))

    def _make_report(self) -> ProcessReport | None:
        if self._clock() - self._asked_at >= LOOP_TIMEOUT_SECONDS:
            return None
        return ProcessReport("bridge", self._id, lines=self._lines, is_blocked=self._is_blocked)

    def _run(self) -> None:
        while not self._stop.wait(REPORT_SECONDS):
            try:
                self.refresh()
            except Exception:  # the poll loop's boundary: without this thread the limit would never change again
                log.exception("The workers could not be counted, retrying in %g s.", REPORT_SECONDS)
