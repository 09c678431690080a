"""Reports a process to Redis every second while it makes progress (`contracts.presence`)."""

import logging
import threading
from collections.abc import Callable
from typing import Final, Self

import redis

from contracts.heartbeat import Heartbeat
from contracts.presence import PRESENT_SECONDS, Presence, ProcessKind, ProcessReport, process_id
from contracts.progress import connect_redis
from contracts.settings import Settings

log = logging.getLogger(__name__)

REPORT_SECONDS: Final = 1.0
"""The interval of a process's reports."""

QUIET_SECONDS: Final = 3.0
"""How long a loop may leave its heartbeat untouched and still be reported. A loop touches it at most once a second, and
beat about every two seconds."""

WITHDRAW_SECONDS: Final = 1.0
"""How long a process that stops waits until its report is deleted; otherwise the report expires."""


class Reporter:
    """Reports a process from a thread, as long as the process says that it is healthy. A context manager."""

    def __init__(self, presence: Presence, make_report: Callable[[], ProcessReport | None]) -> None:
        """`make_report` returns None while the process does not make progress; it is then not reported."""
        self._presence = presence
        self._make_report = make_report
        self._stop = threading.Event()
        self._last_id: str | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the thread. Calling it again is harmless."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
            self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop reporting; the thread then deletes the last report. Wait for that at most WITHDRAW_SECONDS.

        A signal handler passes `wait=False`.
        """
        self._stop.set()
        if wait and self._thread is not None:
            self._thread.join(WITHDRAW_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.report_once()
            except Exception:  # the poll loop's boundary: without this thread the process would count as stopped
                log.exception("This process could not be reported, retrying in %g s.", REPORT_SECONDS)
            self._stop.wait(REPORT_SECONDS)
        self.withdraw()

    def report_once(self) -> None:
        """Report now, if the process is healthy. An unavailable Redis costs only this report."""
        report = self._make_report()
        if report is None:
            return
        try:
            self._last_id = report.id  # first: a report whose answer was lost is withdrawn as well
            self._presence.report(report)
        except redis.RedisError as error:
            log.debug("Redis is unavailable, this process is not reported: %s", type(error).__name__)

    def withdraw(self) -> None:
        """Delete the last report. An unavailable Redis lets it expire."""
        if self._last_id is None:
            return
        try:
            self._presence.withdraw(self._last_id)
        except redis.RedisError:
            log.debug("Redis is unavailable; the report of this process expires after %g s.", PRESENT_SECONDS)


def make_reporter(settings: Settings, make_report: Callable[[], ProcessReport | None]) -> Reporter:
    """Return a reporter, with its own Redis client, for a process of the installation of these settings."""
    return Reporter(Presence(connect_redis(settings.redis_url), settings.redis_prefix), make_report)


def loop_reporter(
    settings: Settings, kind: ProcessKind, heartbeat: Heartbeat, is_blocked: Callable[[], bool] = lambda: False
) -> Reporter:
    """Return a reporter for a process whose loop touches `heartbeat`: without touches it is not reported."""
    own_id = process_id()

    def make_report() -> ProcessReport | None:
        return ProcessReport(kind, own_id, is_blocked=is_blocked()) if heartbeat.is_recent(QUIET_SECONDS) else None

    return make_reporter(settings, make_report)
