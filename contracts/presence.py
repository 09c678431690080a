"""Which processes of this installation run: each one reports to Redis every second, and any process reads the reports.

A process reports only while it makes progress, and withdraws its report when it stops. Reports are hints: they say how
many steps the workers can run at once, and let `/health/ready` tell whether each kind of process was seen lately.
Nothing is decided by them that a wrong report could break: a lost report only delays work.

Redis's clock dates the reports, so the clocks of the machines need not agree.
"""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

import redis
from pydantic import BaseModel, ConfigDict, Field

ProcessKind = Literal["web", "relay", "bridge", "worker", "solo", "beat"]

PRESENT_SECONDS: Final = 5.0
"""How long a process counts as running after its last report."""

_KEY_TTL_SECONDS: Final = 3600

MAX_COUNT: Final = 1_000_000
"""The largest plausible number in a report. Any client of Redis can write one, and a bridge computes with it."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]

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
    is_blocked: bool = False
    """Whether it runs and can do no work, because a server refuses what it needs."""


class _Content(BaseModel):
    """What a report in Redis holds besides the id. Fields that only another release knows are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")

    kind: ProcessKind
    slots: Count = 0
    lines: Count = 0
    is_blocked: bool = False


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

        Raises redis.RedisError when Redis is unavailable. A report that cannot be read is deleted, because any
        client can have written it; a process reports again.
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
        report = ProcessReport(id=name, **_Content.model_validate_json(content).model_dump())
    except ValueError:
        return None
    return SeenProcess(report, max(0.0, age)) if abs(age) <= PRESENT_SECONDS else None
