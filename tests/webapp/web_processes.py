"""Real web processes, started as in production, and readers of their streams."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import UUID

from contracts.settings import Settings
from tests.eventually import eventually
from tests.stores import ROOT

GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn_conf"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, **others: str) -> dict[str, str]:
    """The settings as a process reads them."""
    values: dict[str, str] = {}
    for name, value in settings.model_dump().items():
        if value not in (None, ""):
            plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            values[name.upper()] = str(plain)
    return {**os.environ, **values, **others}


@dataclass
class Served:
    """One web process: a gunicorn parent with its worker."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    readers: "list[Reader]" = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it is up, be it that it says 503, as without PostgreSQL."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=10):
                return True
        except HTTPError as refused:
            with refused:
                return refused.code == 503
        except OSError:
            return False

    def post(self, text: str, user: UUID, **headers: str) -> UUID:
        """A thought by JSON, which must be accepted."""
        body = json.dumps({"text": text, "user_id": str(user)}).encode()
        request = urllib.request.Request(f"{self.url}/thoughts", body, {"Content-Type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return UUID(json.load(answer)["id"])

    def read(self, user: UUID, last_event_id: str | None = None) -> "Reader":
        reader = Reader(self.port, user, last_event_id)
        self.readers.append(reader)
        return reader

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            lines = [line.decode() for line in answer]
        return float(next(line.split()[-1] for line in lines if line.startswith(f"{name} ")))

    def close_readers(self) -> None:
        while self.readers:
            self.readers.pop().close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@contextmanager
def served(settings: Settings, directory: Path) -> Iterator[Callable[..., Served]]:
    """A function that starts web processes; all of them end with the context."""
    with ExitStack() as ends:

        def start(**others: str) -> Served:
            port, log = free_port(), directory / f"web-{len(list(directory.iterdir()))}.log"
            command = [*GUNICORN, "--bind", f"127.0.0.1:{port}", "webapp:create_app()"]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command, cwd=ROOT, env=environment(settings, **others), stderr=output, start_new_session=True
                )
            started = Served(process, port, log)
            ends.callback(_end, started)
            eventually(started.answers, timeout=30)
            return started

        yield start


def _end(web: Served) -> None:
    web.close_readers()
    if web.process.poll() is None:
        os.killpg(web.process.pid, signal.SIGKILL)
        web.process.wait()


@dataclass
class Event:
    """One event as a browser would see it; `id` is None where no id line came with it."""

    kind: str
    data: Any
    id: str | None

    @property
    def name(self) -> str:
        progress = self.data.get("progress") if isinstance(self.data, dict) else None
        return f"{self.kind} {progress}" if progress else self.kind


class Reader:
    """Reads a stream, byte for byte, as curl -N does."""

    def __init__(self, port: int, user: UUID, last_event_id: str | None = None) -> None:
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.connect()
        self._socket = self._connection.sock
        self._connection.request("GET", f"/thoughts/stream/{user}", headers=headers)
        self.answer = self._connection.getresponse()
        self.events: list[Event] = []
        self.comments: queue.Queue[str] = queue.Queue()
        self.last_event_id = last_event_id
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self.answer.status == 200:
            self._thread.start()

    def names(self) -> list[str]:
        return [event.name for event in list(self.events)]

    def until(self, name: str, timeout: float = 15) -> list[Event]:
        """All events so far, once one of this name is among them."""
        eventually(lambda: name in self.names(), timeout=timeout)
        return list(self.events)

    def comment(self) -> str:
        return self.comments.get(timeout=15)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(10)
        self.answer.close()
        self._connection.close()

    def _read(self) -> None:
        block: dict[str, str] = {}
        try:
            for raw in self.answer:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if raw == b"\n":
                    self._dispatch(block)
                    block = {}
                elif name == "":
                    self.comments.put(value)
                else:
                    block[name.rstrip(":")] = value
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the stream was closed, by either side
        finally:
            self.ended.set()

    def _dispatch(self, block: dict[str, str]) -> None:
        if "id" in block:
            self.last_event_id = block["id"]
        if "data" in block:
            self.events.append(Event(block.get("event", "message"), json.loads(block["data"]), block.get("id")))


def opened(web: Served, reader: Reader, user: UUID) -> None:
    """Wait until the stream is past its snapshot: it has shown a thought that came after its opening."""
    web.post("an earlier thought", user)
    reader.until("thought_created")
