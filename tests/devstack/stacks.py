"""Stacks for the tests: real ones, started with the command line, and ones whose processes are small shell scripts."""

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
from tests.stores import ROOT, STORES_ONLY

POSTGRES_AND_REDIS = ("--scale", STORES_ONLY, "--set", "KAFKA_ENABLED=false")
"""PostgreSQL and Redis only, which are ready in two seconds."""

STORES_WITH_KAFKA = ("--scale", STORES_ONLY, "--kafka", "apache", "--set", "KAFKA_MODE=false")
PASSWORDS = ("postgres-password", "redis-password")


def devstack(*arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a devstack command and return the finished process."""
    return subprocess.run(
        devstack_argv(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )


def devstack_argv(*arguments: str) -> list[str]:
    """Return the argv of a devstack command."""
    return [sys.executable, "-m", "devstack", *arguments]


def up(directory: Path, port_base: int, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Start a detached stack and return the output of `up`."""
    location = ("--dir", str(directory), "--port-base", str(port_base))
    result = devstack("up", *location, *arguments, "--detach", environment=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def down(directory: Path) -> None:
    """Stop a stack."""
    assert cli.run(commands, "python -m devstack", ["down", "--dir", str(directory)]) == 0


def status(directory: Path) -> dict[str, Any]:
    """Return the description that `status --json` prints."""
    return describe(StackDir(directory), load(StackDir(directory)))


def find_process(description: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one process of a status."""
    return next(process for process in description["processes"] if process["name"] == name)


def is_ready(directory: Path, name: str) -> bool:
    """Return whether a process is ready, by the rules of `status`."""
    stack = load(StackDir(directory))
    return readiness.is_ready(StackDir(directory), stack, stack.find_processes(name)[0])


def running_pids(directory: Path) -> dict[str, int]:
    """Return the pids of a stack's running processes by name, from their records."""
    stack_dir = StackDir(directory)
    names = [path.stem for path in sorted(stack_dir.run_directory.glob("*.json"))]
    return {
        name: process.pid
        for name in names
        if (process := pid_records.running_process(pid_records.read(stack_dir, name)))
    }


def kill(pid: int) -> None:
    """Send SIGKILL and wait until the process has exited."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def fetch_row(directory: Path, statement: str) -> Any:
    """Execute a statement in the stack's database and return its first row, or None when it has no result."""
    connection = psycopg2.connect(load(StackDir(directory)).database_url)
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


@contextmanager
def script_stack(
    directory: Path, scripts: dict[str, str], stop_timeout: float = 5.0, liveness_timeout: float = 600.0
) -> Iterator[StackDir]:
    """Run a manager whose processes of these names are shell scripts; they are not started yet."""
    stack_dir = StackDir(directory)
    stack_dir.prepare()
    processes = [
        _script_process(stack_dir, name, script).model_copy(
            update={"stop_timeout": stop_timeout, "liveness_timeout": liveness_timeout}
        )
        for name, script in scripts.items()
    ]
    addresses: dict[str, Any] = dict.fromkeys(("web_url", "flower_url", "kafka_bootstrap", "kafka"))
    urls = {"redis_url": "redis://127.0.0.1:1/0", "database_url": "postgresql://127.0.0.1:1/none"}
    stack = Stack(request={}, port_base=1024, processes=processes, detached=True, **addresses, **urls)
    save(stack_dir, stack)
    client.launch(stack_dir, os.environ | {pid_records.DEVSTACK_ENV_VAR: str(directory), "TEST_DIR": str(directory)})
    try:
        yield stack_dir
    finally:
        client.bring_down(stack_dir, stack)


def _script_process(stack_dir: StackDir, name: str, script: str) -> Process:
    kind: Kind = next(kind for kind in ("postgres", "redis", "relay", "worker", "web") if name.startswith(kind))
    environment = {"HEARTBEAT_FILE": str(stack_dir.heartbeat_file(name))}
    return Process(name=name, kind=kind, argv=["/bin/sh", "-c", script], environment=environment)


@dataclass(frozen=True)
class FullStack:
    """A running stack of all processes, with the scripted provider."""

    directory: Path
    port_base: int
    call_log: Path
    up_output: str

    def post(self, text: str) -> str:
        """Submit a thought of a new user and return its id."""
        body = json.dumps({"text": text, "user_id": str(uuid4())}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port_base}/thoughts", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(json.load(response)["id"])

    def is_completed(self, thought: str) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port_base}/thoughts/{thought}", timeout=30) as response:
            return bool(json.load(response)["status"] == "completed")

    def call_events(self, thought: str, agent: str) -> list[str]:
        """Return the logged events of one agent's calls for a thought: start, end, error."""
        entries = map(json.loads, self.call_log.read_text().splitlines())
        return [entry["event"] for entry in entries if (entry["thought_id"], entry["agent"]) == (thought, agent)]
