"""Starts real worker processes, and reads their queues, call log and task events."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from pydantic import SecretStr

from bridge.consumer.dispatch import Dispatcher
from bridge.consumer.protocol import Head
from contracts.queues import THOUGHTS_QUEUE
from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT


def environment(settings: Settings, **variables: str) -> dict[str, str]:
    """Return the environment with which a process loads these settings; `variables` replace single ones."""
    names = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    chosen = {name.upper(): _plain_text(value) for name, value in settings.model_dump().items() if value is not None}
    return inherited | chosen | variables


def _plain_text(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class WorkerProcess:
    """A worker process that keeps its heartbeat file and log in `directory`."""

    def __init__(
        self, settings: Settings, directory: Path, *, queues: str = THOUGHTS_QUEUE, concurrency: int = 4
    ) -> None:
        self.log_file, self.heartbeat_file = directory / "worker.log", directory / "heartbeat"
        self.heartbeat_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "threads"]
        command += ["--concurrency", str(concurrency), "--queues", queues, "--hostname", f"{queues}.1@%h"]
        command += ["-E", "--without-gossip", "--without-mingle"]
        process_environment = environment(settings, HEARTBEAT_FILE=str(self.heartbeat_file))
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=process_environment, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        return self.log_file.read_text()

    def wait_until_ready(self) -> None:
        """Wait for its first heartbeat, and fail when it exits before."""
        eventually(lambda: self.heartbeat_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def send_sigterm(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait_for_exit(self, timeout: float = 30) -> int:
        """Return its exit status; raise TimeoutExpired when it does not exit within `timeout` seconds."""
        return self.process.wait(timeout)


@contextmanager
def running_worker(settings: Settings, directory: Path, **options: Any) -> Iterator[WorkerProcess]:
    """Start a worker, wait until it is ready, and kill it at the end of the block."""
    worker = WorkerProcess(settings, directory, **options)
    try:
        worker.wait_until_ready()
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def dispatch(settings: Settings, heads: Sequence[Head]) -> None:
    """Send the chains of these heads as a bridge does."""
    Dispatcher(settings).send(heads)


def call_log_lines(settings: Settings, event: str = "start", **fields: Any) -> list[dict[str, Any]]:
    """Return the lines of the scripted provider's call log with this event and these fields."""
    path = Path(settings.scripted_call_log)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if fields.items() | {("event", event)} <= line.items()]


class TaskEvents:
    """Receives task events as a monitor such as Flower does: the type of each event, and the task's id."""

    def __init__(self, client: redis.Redis) -> None:
        self._subscription = client.pubsub(ignore_subscribe_messages=True)
        self._subscription.psubscribe("*celeryev/task.*")
        self._events: list[tuple[str, str]] = []

    def events_of(self, head: Head) -> list[tuple[str, str]]:
        """Return all events so far of one thought's tasks, sorted."""
        while message := self._subscription.get_message():
            events = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
            self._events += [(event["type"], event["uuid"]) for event in events]
        return sorted((kind, task_id) for kind, task_id in self._events if task_id.startswith(str(head.thought_id)))


def kill_connections(client: redis.Redis) -> None:
    """End all connections to this Redis database but subscriptions and the client's own."""
    database = str(client.get_connection_kwargs()["db"])
    connections = [entry["id"] for entry in client.client_list(_type="normal") if entry["db"] == database]
    for connection in connections:
        client.client_kill_filter(_id=connection)


def count_queued(client: redis.Redis, queue: str = THOUGHTS_QUEUE) -> int:
    """Count the messages in a queue that no worker has received."""
    return sum(int(client.llen(key)) for key in stored_keys(client, queue))


def stored_keys(client: redis.Redis, queue: str) -> list[bytes]:
    """Return the lists of a queue that hold messages, whatever the prefix, in the order of their delivery."""
    names = re.compile(f".*:{queue}(\x06\x16[0-9])?".encode(), re.DOTALL)
    return sorted(key for key in client.scan_iter(f"*:{queue}*") if names.fullmatch(key))


def count_unacknowledged(client: redis.Redis) -> int:
    """Count the messages that a worker has received and not yet acknowledged."""
    return sum(int(client.hlen(key)) for key in client.scan_iter("*:unacked"))
