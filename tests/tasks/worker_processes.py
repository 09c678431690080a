"""Worker processes as the system starts them, and what can be seen of them from outside."""

import base64
import json
import os
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


def environment(settings: Settings, **others: str) -> dict[str, str]:
    """The environment that makes a process load these settings."""
    told = {name.upper(): _said(value) for name, value in settings.model_dump().items() if value is not None}
    kept = {name: value for name, value in os.environ.items() if name not in {n.upper() for n in Settings.model_fields}}
    return kept | told | others


def _said(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class Worker:
    """A running worker; `place` holds its heartbeat, log and call log."""

    def __init__(self, settings: Settings, place: Path, *, queues: str = THOUGHTS_QUEUE, concurrency: int = 4) -> None:
        self.log_file, self.heartbeat_file = place / "worker.log", place / "heartbeat"
        self.heartbeat_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "threads"]
        command += ["--concurrency", str(concurrency), "--queues", queues, "--hostname", f"{queues}.1@%h"]
        command += ["-E", "--without-gossip", "--without-mingle"]
        told = environment(settings, HEARTBEAT_FILE=str(self.heartbeat_file))
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        """All that it has said."""
        return self.log_file.read_text()

    def until_ready(self) -> None:
        """Wait for its first heartbeat."""
        eventually(lambda: self.heartbeat_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def ask_to_end(self) -> None:
        """SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self, timeout: float = 30) -> int:
        """Its exit status, which it must reach by itself."""
        return self.process.wait(timeout)


@contextmanager
def a_worker(settings: Settings, place: Path, **how: Any) -> Iterator[Worker]:
    """A worker that is ready; killed at the end where it still runs."""
    worker = Worker(settings, place, **how)
    try:
        worker.until_ready()
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


def send(settings: Settings, heads: Sequence[Head]) -> None:
    """Ring for these heads as a bridge does."""
    Dispatcher(settings).send(heads)


def calls(settings: Settings, event: str = "start", **wanted: Any) -> list[dict[str, Any]]:
    """The lines of the scripted provider's call log, of one event and of what else is wanted."""
    path = Path(settings.scripted_call_log)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if wanted.items() | {("event", event)} <= line.items()]


class TaskEvents:
    """What a monitor like Flower hears of tasks: the kind of each event, and the task's id."""

    def __init__(self, client: redis.Redis) -> None:
        self._subscription = client.pubsub(ignore_subscribe_messages=True)
        self._subscription.psubscribe("*celeryev/task.*")
        self._heard: list[tuple[str, str]] = []

    def of(self, head: Head) -> list[tuple[str, str]]:
        """All that was heard of one thought's tasks, sorted."""
        while message := self._subscription.get_message():
            told = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
            self._heard += [(event["type"], event["uuid"]) for event in told]
        return sorted(each for each in self._heard if each[1].startswith(str(head.thought_id)))


def cut_connections(client: redis.Redis) -> None:
    """End all of this database's connections but the subscriptions and the one that asks."""
    database = str(client.get_connection_kwargs()["db"])
    ours = [one["id"] for one in client.client_list(_type="normal") if one["db"] == database]
    for number in ours:
        client.client_kill_filter(_id=number)


def waiting(client: redis.Redis, queue: str = THOUGHTS_QUEUE) -> int:
    """Messages in a queue that no worker has taken."""
    return int(client.llen(queue))


def unacknowledged(client: redis.Redis) -> int:
    """Messages that a worker has taken and not yet done with."""
    return int(client.hlen("unacked"))
