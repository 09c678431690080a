"""Stacks for the tests: real ones by the command line, and toy ones whose processes are small shell scripts."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg2

from contracts import cli
from devstack.cli import devstack as commands
from devstack.commands import readiness
from devstack.commands.status import describe
from devstack.spec.layout import StackDir
from devstack.spec.process_kinds import Kind
from devstack.spec.stack import Process, Stack, load, save
from devstack.supervisor import client, pid_records
from tests.eventually import eventually
from tests.stores import ROOT, STORES_ALONE

SMALL = ("--scale", STORES_ALONE, "--set", "KAFKA_ENABLED=false")
"""PostgreSQL and Redis alone: up in two seconds."""


STORES = ("--scale", STORES_ALONE, "--kafka", "apache", "--set", "KAFKA_MODE=false")
PASSWORDS = ("postgres-password", "redis-password")


def devstack(*arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a devstack command to its end."""
    return subprocess.run(command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)


def command(*arguments: str) -> list[str]:
    """The words of a devstack command."""
    return [sys.executable, "-m", "devstack", *arguments]


def up(directory: Path, base: int, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Bring a stack up, detached, and return what was said."""
    place = ("--dir", str(directory), "--port-base", str(base))
    done = devstack("up", *place, *arguments, "--detach", environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def down(directory: Path) -> None:
    """Take a stack down."""
    assert cli.run(commands, "python -m devstack", ["down", "--dir", str(directory)]) == 0


def status(directory: Path) -> dict[str, Any]:
    """What `status --json` prints."""
    return describe(StackDir(directory), load(StackDir(directory)))


def named(described: dict[str, Any], name: str) -> dict[str, Any]:
    """One process of a status."""
    return next(each for each in described["processes"] if each["name"] == name)


def is_ready(directory: Path, name: str) -> bool:
    """Whether a process is ready, as `status` finds it."""
    stack = load(StackDir(directory))
    return readiness.is_ready(StackDir(directory), stack, stack.named(name)[0])


def pids(directory: Path) -> dict[str, int]:
    """The living processes of a stack, by name, without asking its manager."""
    home = StackDir(directory)
    names = [path.stem for path in sorted(home.run.glob("*.json"))]
    return {
        name: process.pid for name in names if (process := pid_records.running_process(pid_records.read(home, name)))
    }


def kill(pid: int) -> None:
    """SIGKILL, and wait until it has worked."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def ask(directory: Path, statement: str) -> Any:
    """The first row that PostgreSQL answers."""
    connection = psycopg2.connect(load(StackDir(directory)).database_url)
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


@contextmanager
def toy(directory: Path, scripts: dict[str, str], patience: float = 5.0, silence: float = 600.0) -> Iterator[StackDir]:
    """A running manager with shell scripts, not yet started, in place of the processes of these names."""
    home = StackDir(directory)
    home.prepare()
    processes = [
        _scripted(home, name, script).model_copy(update={"stop_timeout": patience, "liveness_timeout": silence})
        for name, script in scripts.items()
    ]
    addresses: dict[str, Any] = dict.fromkeys(("web_url", "flower_url", "kafka_bootstrap", "kafka"))
    urls = {"redis_url": "redis://127.0.0.1:1/0", "database_url": "postgresql://127.0.0.1:1/none"}
    stack = Stack(request={}, port_base=1024, processes=processes, detached=True, **addresses, **urls)
    save(home, stack)
    client.launch(home, os.environ | {pid_records.DEVSTACK_ENV_VAR: str(directory), "TOYS": str(directory)})
    try:
        yield home
    finally:
        client.bring_down(home, stack)


def _scripted(home: StackDir, name: str, script: str) -> Process:
    kind: Kind = next(kind for kind in ("postgres", "redis", "relay", "worker", "web") if name.startswith(kind))
    environment = {"HEARTBEAT_FILE": str(home.heartbeat(name))}
    return Process(name=name, kind=kind, argv=["/bin/sh", "-c", script], environment=environment)


@dataclass(frozen=True)
class Whole:
    """A stack of everything, with scripted agents."""

    directory: Path
    base: int
    calls: Path
    said: str
    """What `up` said."""

    def post(self, text: str) -> str:
        """Post a thought of a new user; its id."""
        body = json.dumps({"text": text, "user_id": str(uuid4())}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.base}/thoughts", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["id"])

    def is_completed(self, thought: str) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.base}/thoughts/{thought}", timeout=30) as answer:
            return bool(json.load(answer)["status"] == "completed")

    def told(self, thought: str, agent: str) -> list[str]:
        """What happened to one agent's calls for a thought: start, end, error."""
        lines = map(json.loads, self.calls.read_text().splitlines())
        return [each["event"] for each in lines if (each["thought_id"], each["agent"]) == (thought, agent)]
