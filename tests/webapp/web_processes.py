"""Real web processes, started as in production, and clients of their streams."""

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


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, **overrides: str) -> dict[str, str]:
    """Return the environment variables of a process with these settings."""
    values: dict[str, str] = {}
    for name, value in settings.model_dump().items():
        if value not in (None, ""):
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            values[name.upper()] = str(text)
    return {**os.environ, **values, **overrides}


@dataclass
class WebProcess:
    """A running web: a gunicorn parent with its worker."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    stream_clients: "list[StreamClient]" = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_up(self) -> bool:
        """Return whether the process answers. A 503 counts, because it answers that without PostgreSQL."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=10):
                return True
        except HTTPError as error:
            with error:
                return error.code == 503
        except OSError:
            return False

    def post(self, text: str, user: UUID, **headers: str) -> UUID:
        """Submit a thought as JSON, which must be accepted, and return its id."""
        body = json.dumps({"text": text, "user_id": str(user)}).encode()
        request = urllib.request.Request(f"{self.url}/thoughts", body, {"Content-Type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=10) as response:
            return UUID(json.load(response)["id"])

    def open_stream(self, user: UUID, last_event_id: str | None = None) -> "StreamClient":
        stream = StreamClient(self.port, user, last_event_id)
        self.stream_clients.append(stream)
        return stream

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as response:
            lines = [line.decode() for line in response]
        return float(next(line.split()[-1] for line in lines if line.startswith(f"{name} ")))

    def close_streams(self) -> None:
        while self.stream_clients:
            self.stream_clients.pop().close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@contextmanager
def web_launcher(settings: Settings, directory: Path) -> Iterator[Callable[..., WebProcess]]:
    """Provide a function that starts web processes; all of them end with the context."""
    with ExitStack() as cleanups:

        def start(*options: str, **overrides: str) -> WebProcess:
            port, log = find_free_port(), directory / f"web-{len(list(directory.iterdir()))}.log"
            command = [*GUNICORN, *options, "--bind", f"127.0.0.1:{port}", "webapp:create_app()"]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command, cwd=ROOT, env=environment(settings, **overrides), stderr=output, start_new_session=True
                )
            web = WebProcess(process, port, log)
            cleanups.callback(_end, web)
            eventually(web.is_up, timeout=30)
            return web

        yield start


def _end(web: WebProcess) -> None:
    web.close_streams()
    if web.process.poll() is None:
        os.killpg(web.process.pid, signal.SIGKILL)
        web.process.wait()


@dataclass
class Event:
    """An event as a browser receives it; `id` is None when it came without an id line."""

    kind: str
    data: Any
    id: str | None

    @property
    def name(self) -> str:
        progress = self.data.get("progress") if isinstance(self.data, dict) else None
        return f"{self.kind} {progress}" if progress else self.kind


class StreamClient:
    """Reads a stream line by line, as curl -N does."""

    def __init__(self, port: int, user: UUID, last_event_id: str | None = None) -> None:
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.connect()
        self._socket = self._connection.sock
        self._connection.request("GET", f"/thoughts/stream/{user}", headers=headers)
        self.response = self._connection.getresponse()
        self.events: list[Event] = []
        self.comments: queue.Queue[str] = queue.Queue()
        self.bookmarks: list[str] = []
        """Ids that came without an event; the next event moves the resume point to them."""
        self.last_event_id = last_event_id
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self.response.status == 200:
            self._thread.start()

    def names(self) -> list[str]:
        return [event.name for event in list(self.events)]

    def wait_for(self, name: str, timeout: float = 15) -> list[Event]:
        """Wait for an event with this name, then return all events so far."""
        eventually(lambda: name in self.names(), timeout=timeout)
        return list(self.events)

    def next_comment(self) -> str:
        return self.comments.get(timeout=15)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(10)
        self.response.close()
        self._connection.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for raw in self.response:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if raw == b"\n":
                    self._dispatch(fields)
                    fields = {}
                elif name == "":
                    self.comments.put(value)
                elif name == "id" and not fields:
                    self.bookmarks.append(value)
                else:
                    fields[name.rstrip(":")] = value
        except (OSError, ValueError, http.client.HTTPException):
            pass  # one of the two sides closed the stream
        finally:
            self.ended.set()

    def _dispatch(self, fields: dict[str, str]) -> None:
        self.last_event_id = fields.get("id", self.bookmarks[-1] if self.bookmarks else self.last_event_id)
        self.bookmarks.clear()
        if "data" in fields:
            self.events.append(Event(fields.get("event", "message"), json.loads(fields["data"]), fields.get("id")))


def wait_until_following(web: WebProcess, stream: StreamClient, user: UUID) -> None:
    """Wait until the stream has sent its snapshot: submit a thought and wait for its event."""
    web.post("an earlier thought", user)
    stream.wait_for("thought_created")
