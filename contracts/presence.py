"""Which processes of this installation run: each one reports to Redis every second, and any process reads the reports.

A process reports only while it makes progress, and withdraws its report when it stops. Reports are hints: they say how
many steps the workers can run at once, and let `/health/ready` tell whether each kind of process was seen lately.
Nothing is decided by them that a wrong report could break: a lost report only delays work.

Redis's clock dates the reports, so the clocks of the machines need not agree.
"""

import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

import redis

from contracts.heartbeat import Heartbeat
from contracts.progress import connect_redis
from contracts.settings import Settings

log = logging.getLogger(__name__)

ProcessKind = Literal["web", "relay", "bridge", "worker", "solo", "beat"]

REPORT_SECONDS: Final = 1.0
"""The interval of a process's reports."""

PRESENT_SECONDS: Final = 5.0
"""How long a process counts as running after its last report."""

QUIET_SECONDS: Final = 3.0
"""How long a loop may leave its heartbeat untouched and still be reported. A loop touches it at most once a second, and
beat about every two seconds."""

WITHDRAW_SECONDS: Final = 1.0
"""How long a process that stops waits until its report is deleted; otherwise the report expires."""

_KEY_TTL_SECONDS: Final = 3600

_REPORT: Final = """
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], now[1] .. '.' .. string.format('%06d', now[2]) .. ' ' .. ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""

_READ: Final = """
local now = redis.call('TIME')
return {now[1] .. '.' .. string.format('%06d', now[2]), redis.call('HGETALL', KEYS[1])}
"""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What a process says of itself."""

    kind: ProcessKind
    """What it does."""
    id: str
    """Unique among all processes: host name, process id and a random part."""
    slots: int = 0
    """Of a worker: steps that it can run at once."""
    lines: int = 0
    """Of a bridge: users with unfinished thoughts that it holds."""


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """A process that has reported."""

    report: ProcessReport
    """Its last report."""
    age: float
    """Seconds since then, by Redis's clock; 0 for a report that is up to PRESENT_SECONDS in the future, as after a step
    of that clock. A later one is left out."""


def process_id() -> str:
    """Return an id for this process; each call returns another one."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Presence:
    """Writes and reads the reports of one installation. Thread-safe."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._key = f"{prefix}:processes"
        self._redis = client
        self._report = client.register_script(_REPORT)
        self._read = client.register_script(_READ)

    def report(self, report: ProcessReport) -> None:
        """Write a report. Raises redis.RedisError when Redis is unavailable."""
        content = {name: value for name, value in asdict(report).items() if name != "id"}
        self._report(keys=[self._key], args=[report.id, json.dumps(content), _KEY_TTL_SECONDS])

    def withdraw(self, report_id: str) -> None:
        """Delete the report of a process that stops. Raises redis.RedisError when Redis is unavailable."""
        self._redis.hdel(self._key, report_id)

    def read(self) -> list[SeenProcess]:
        """Return the processes that reported within PRESENT_SECONDS, and delete older reports.

        Raises redis.RedisError when Redis is unavailable. A report that cannot be read is deleted, because only a
        process of another version can have written it, and it reports again.
        """
        now, fields = self._read(keys=[self._key])
        seen = {_text(name): _parse(_text(name), _text(value), float(now)) for name, value in _pairs(fields)}
        stale = [name for name, process in seen.items() if process is None]
        if stale:
            self._redis.hdel(self._key, *stale)
        return [process for process in seen.values() if process is not None]


def _pairs(fields: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(fields[::2], fields[1::2], strict=True))


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _parse(name: str, value: str, now: float) -> SeenProcess | None:
    """Return a process that is present, or None for a report that is too old, from the future, or unreadable."""
    try:
        written_at, content = value.split(" ", 1)
        age = now - float(written_at)
        report = ProcessReport(id=name, **json.loads(content))
    except (ValueError, TypeError):
        return None
    return SeenProcess(report, max(0.0, age)) if abs(age) <= PRESENT_SECONDS else None


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


def loop_reporter(settings: Settings, kind: ProcessKind, heartbeat: Heartbeat) -> Reporter:
    """Return a reporter for a process whose loop touches `heartbeat`: without touches it is not reported."""
    own_id = process_id()

    def make_report() -> ProcessReport | None:
        return ProcessReport(kind, own_id) if heartbeat.is_recent(QUIET_SECONDS) else None

    return make_reporter(settings, make_report)
