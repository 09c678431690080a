"""A stack for one measurement, started and ended by the devstack's own commands."""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processor import Processes

PORT_BASE = 18600


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Where the stack's parts are. `processes` has the ids of all processes of the same name (worker.1, worker.2)."""

    web_url: str | None
    database_url: str
    redis_url: str
    kafka_bootstrap: str | None
    processes: Processes

    def environment(self) -> dict[str, str]:
        """The addresses as settings, for a process that is not of the stack."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "CELERY_BROKER_URL": self.redis_url,
            "KAFKA_ENABLED": "true" if self.kafka_bootstrap else "false",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap or "",
        }


@contextmanager
def running_stack(settings: dict[str, str], scale: str) -> Iterator[RunningStack]:
    """A stack with the scripted provider in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        directory = str(Path(name) / "stack")
        chosen = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", **settings}
        wanted = [word for item in chosen.items() for word in ("--set", "=".join(item))]
        try:
            _devstack("up", directory, "--port-base", str(PORT_BASE), "--scale", scale, "--detach", *wanted)
            yield _described(json.loads(_devstack("status", directory, "--json")))
        finally:
            _devstack("down", directory)


def _described(status: dict[str, Any]) -> RunningStack:
    processes: dict[str, list[int]] = defaultdict(list)
    for process in status["processes"]:
        processes[process["name"].partition(".")[0]].append(process["pid"])
    return RunningStack(
        web_url=status["web_url"],
        database_url=status["database_url"],
        redis_url=status["redis_url"],
        kafka_bootstrap=status["kafka_bootstrap"],
        processes=processes,
    )


def _devstack(command: str, directory: str, *words: str) -> str:
    argv = [sys.executable, "-m", "devstack", command, "--dir", directory, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout
