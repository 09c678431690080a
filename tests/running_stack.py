"""A whole running stack, as a person and an operator meet it: the devstack's commands, HTTP, and signals."""

import json
import os
import signal
import threading
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import uuid4

from devstack.commands.readiness import is_ready
from devstack.commands.status import describe
from devstack.spec.layout import StackDir
from devstack.spec.stack import load
from devstack.supervisor import pid_records
from tests.eventually import eventually
from tests.ports import free_base
from tests.stores import devstack, require_up, walkable_directory

TERMINAL = {"completed", "failed"}


@dataclass
class Stack:
    """One stack in a directory of its own."""

    directory: Path
    call_log: Path
    status_then: dict[str, Any] = field(default_factory=dict)
    listeners: "list[Listener]" = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.status_then["web_url"])

    def command(self, *arguments: str) -> str:
        """A devstack command that must succeed; returns what it printed."""
        done = devstack(arguments[0], *arguments[1:], "--dir", str(self.directory))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bridge(self, *words: str) -> str:
        """A command of the bridge, with the addresses of this stack; it must succeed."""
        done = devstack("run", "--dir", str(self.directory), "bridge", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """What `status --json` prints, without the start of another process for it."""
        home = StackDir(self.directory)
        return describe(home, load(home))

    def process(self, name: str) -> dict[str, Any]:
        return next(process for process in self.status()["processes"] if process["name"] == name)

    def living(self, name: str) -> int | None:
        """The pid of a process; None while it is down. By its record: `status` would ask the servers too."""
        found = pid_records.running_process(pid_records.read(StackDir(self.directory), name))
        return int(found.pid) if found else None

    def names(self) -> list[str]:
        """The processes that are there now."""
        return [process["name"] for process in self.status_then["processes"] if self.living(process["name"])]

    def is_ready(self, name: str) -> bool:
        """Whether a process runs and does its work."""
        home = StackDir(self.directory)
        stack = load(home)
        return is_ready(home, stack, stack.named(name)[0])

    def last_exit(self, name: str) -> int | None:
        """How the last process of this name that ended did so: 0, or -9 where it had to be killed."""
        record = pid_records.read(StackDir(self.directory), name)
        return record.last_exit if record else None

    def pid(self, name: str) -> int:
        """The process to signal, as soon as there is one."""
        return eventually(lambda: self.living(name)) or 0

    def kill(self, name: str) -> None:
        """End a process without warning."""
        os.kill(self.pid(name), signal.SIGKILL)

    def post(self, text: str, user: str, **headers: str) -> dict[str, Any]:
        """POST a thought as a program does; must be accepted."""
        body = json.dumps({"text": text, "user_id": user}).encode()
        request = urllib.request.Request(
            f"{self.url}/thoughts", body, {"Content-Type": "application/json", **headers}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201
            return dict(json.load(answer))

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return dict(json.load(answer))

    def thought(self, thought_id: str) -> dict[str, Any]:
        return self.get(f"/thoughts/{thought_id}")

    def listen(self, user: str) -> "Listener":
        """Somebody who watches this user's stream until the stack goes down."""
        self.listeners.append(Listener(self, user))
        return self.listeners[-1]

    def ended(self, thought_id: str, timeout: float = 60) -> dict[str, Any]:
        """The thought, once it is completed or failed."""

        def look() -> dict[str, Any] | None:
            found = self.thought(thought_id)
            return found if found["status"] in TERMINAL else None

        return eventually(look, timeout=timeout) or {}

    def calls(self) -> list[dict[str, Any]]:
        """The paid calls, as the scripted provider wrote them down."""
        return [json.loads(line) for line in self.call_log.read_text().splitlines()] if self.call_log.exists() else []

    def starts(self, thought_id: str) -> "Counter[str]":
        """How often each agent was called for a thought."""
        return Counter(
            call["agent"] for call in self.calls() if call["event"] == "start" and call["thought_id"] == thought_id
        )

    def spans(self, thoughts: list[str]) -> dict[str, tuple[float, float]]:
        """When each thought's first call began and its last call ended."""
        times: dict[str, list[float]] = defaultdict(list)
        for call in self.calls():
            times[call["thought_id"]].append(call["time"])
        return {thought: (min(times[thought]), max(times[thought])) for thought in thoughts}


@contextmanager
def running_stack(settings: Mapping[str, str], scale: str = "") -> Iterator[Stack]:
    """A stack with the scripted provider, up and ready; down again at the end."""
    with walkable_directory() as directory, stack_in(directory, free_base(), settings, scale) as stack:
        yield stack


@contextmanager
def stack_in(directory: Path, base: int, settings: Mapping[str, str], scale: str) -> Iterator[Stack]:
    """The same in this directory, with these ports."""
    stack = Stack(directory / "stack", directory / "calls.jsonl")
    chosen = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", "SCRIPTED_CALL_LOG": str(stack.call_log), **settings}
    wanted = [argument for name, value in chosen.items() for argument in ("--set", f"{name}={value}")]
    scaled = ["--scale", scale] if scale else []
    place = ("--dir", str(stack.directory), "--port-base", str(base), "--kafka", "apache", "--detach")
    up = devstack("up", *place, *wanted, *scaled)
    try:
        require_up(up)
        stack.status_then = stack.status()
        yield stack
    finally:
        for listener in stack.listeners:
            listener.close()
        devstack("down", "--dir", str(stack.directory))


@dataclass
class Listener:
    """Somebody who watches a user's stream, as curl -N does."""

    stack: Stack
    user: str
    last_event_id: str = ""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        request = urllib.request.Request(f"{self.stack.url}/thoughts/stream/{self.user}", headers=headers)
        self._closing = False
        self._answer = urllib.request.urlopen(request, timeout=60)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        kind = ""
        try:
            for raw in self._answer:
                name, _, value = raw.decode().rstrip("\n").partition(":")
                if name == "event":
                    kind = value.strip()
                elif name == "data" and kind:
                    self.events.append((kind, json.loads(value)))
                elif name == "id":
                    self.last_event_id = value.strip()
                if self._closing:
                    return
        except (OSError, ValueError, AttributeError):
            return  # the stream was closed, by either side

    def of(self, thought_id: str) -> list[str]:
        """The kinds of events seen of a thought, in order; agents with their progress."""
        return [
            f"{kind} {data['progress']}" if "progress" in data else kind
            for kind, data in list(self.events)
            if data.get("thought_id") == thought_id
        ]

    def close(self) -> None:
        self._closing = True
        self._thread.join(30)
        self._answer.close()


def refusal(url: str, **request: Any) -> tuple[int, str]:
    """The status and the content type of the error that a request is answered with."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, **request), timeout=30)
    except HTTPError as refused:
        with refused:
            return refused.code, refused.headers["Content-Type"]
    raise AssertionError("the request was not refused")


def somebody() -> str:
    """A user nobody has seen."""
    return str(uuid4())


WHOLE_STORY = [
    "thought_created",
    "thought_processing",
    *(f"thought_agent_completed {number}/5" for number in range(1, 6)),
    "thought_completed",
]
