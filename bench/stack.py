"""Starts a stack for one benchmark, and stops it, with the devstack's own commands."""

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
    """The addresses of a running stack, and the ids of its processes.

    `processes` groups processes by kind: "worker" has the ids of worker.1 and worker.2.
    """

    web_url: str | None
    database_url: str
    redis_url: str
    kafka_bootstrap: str | None
    processes: Processes

    def environment(self) -> dict[str, str]:
        """Return the addresses as settings, for a process outside the stack."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "CELERY_BROKER_URL": self.redis_url,
            "KAFKA_ENABLED": "true" if self.kafka_bootstrap else "false",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap or "",
        }


@contextmanager
def running_stack(settings: dict[str, str], scale: str) -> Iterator[RunningStack]:
    """Run a stack with the scripted provider in a temporary directory; `scale` is the devstack's option."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        directory = str(Path(name) / "stack")
        # The benchmarks write one text again and again, which memory would answer without a call.
        chosen = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", "MEMORY": "false", **settings}
        options = [word for item in chosen.items() for word in ("--set", "=".join(item))]
        try:
            _devstack("up", directory, "--port-base", str(PORT_BASE), "--scale", scale, "--detach", *options)
            yield _parse_status(json.loads(_devstack("status", directory, "--json")))
        finally:
            _devstack("down", directory)


def _parse_status(status: dict[str, Any]) -> RunningStack:
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


def _devstack(command: str, directory: str, *options: str) -> str:
    argv = [sys.executable, "-m", "devstack", command, "--dir", directory, *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout
