"""A stack for one measurement, started and ended by the devstack's own commands."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORT_BASE = 18600


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stack's parts are."""

    web_url: str
    database_url: str
    redis_url: str
    kafka_bootstrap: str

    def environment(self, delay_ms: int) -> dict[str, str]:
        """The settings that reach this stack."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
            "SCRIPTED_DELAY_MS": str(delay_ms),
        }


@contextmanager
def running_stack(settings: dict[str, str], scale: str) -> Iterator[Addresses]:
    """A stack with the scripted provider in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        directory = str(Path(name) / "stack")
        chosen = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", **settings}
        wanted = [word for item in chosen.items() for word in ("--set", "=".join(item))]
        try:
            _devstack("up", directory, "--port-base", str(PORT_BASE), "--scale", scale, "--detach", *wanted)
            status: dict[str, Any] = json.loads(_devstack("status", directory, "--json"))
            yield Addresses(**{key: status[key] for key in Addresses.__slots__})
        finally:
            _devstack("down", directory)


def _devstack(command: str, directory: str, *words: str) -> str:
    argv = [sys.executable, "-m", "devstack", command, "--dir", directory, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout
