"""A running stack of all processes, used as a person and an operator do: with devstack's commands, HTTP and signals."""

import json
import os
import signal
import threading
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from tests.ports import free_port_base
from tests.stores import devstack, require_up, traversable_directory

TERMINAL = {"completed", "failed"}


@dataclass
class Stack:
    """One stack in its own directory."""

    directory: Path
    call_log: Path
    """File to which the scripted provider logs its calls."""
    initial_status: dict[str, Any] = field(default_factory=dict)
    """Description of the stack when it was ready."""
    listeners: "list[Listener]" = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.initial_status["web_url"])

    def run_command(self, *arguments: str) -> str:
        """Run a devstack command, which must succeed, and return its output."""
        result = devstack(arguments[0], *arguments[1:], "--dir", str(self.directory))
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def run_bridge(self, *arguments: str) -> str:
        """Run a command of the bridge in this stack, which must succeed, and return its output."""
        result = devstack("run", "--dir", str(self.directory), "bridge", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def status(self) -> dict[str, Any]:
        """Return what `status --json` prints, without starting a process for it."""
        stack_dir = StackDir(self.directory)
        return describe(stack_dir, load(stack_dir))

    def process(self, name: str) -> dict[str, Any]:
        return next(process for process in self.status()["processes"] if process["name"] == name)

    def running_pid(self, name: str) -> int | None:
        """Return the pid of a process, or None while it is down, from its record, without the checks of `status`."""
        process = pid_records.running_process(pid_records.read(StackDir(self.directory), name))
        return int(process.pid) if process else None

    def running_names(self) -> list[str]:
        """Return the names of the processes that run now."""
        return [process["name"] for process in self.initial_status["processes"] if self.running_pid(process["name"])]

    def is_ready(self, name: str) -> bool:
        """Return whether a process runs and does its work."""
        stack_dir = StackDir(self.directory)
        stack = load(stack_dir)
        return is_ready(stack_dir, stack, stack.find_processes(name)[0])

    def last_exit(self, name: str) -> int | None:
        """Return the status of the last exit of a process of this name: 0, or -9 if it was killed."""
        record = pid_records.read(StackDir(self.directory), name)
        return record.last_exit if record else None

    def wait_for_pid(self, name: str) -> int:
        """Wait until the process runs and return its pid."""
        return eventually(lambda: self.running_pid(name)) or 0

    def kill(self, name: str) -> None:
        """Send SIGKILL to a process."""
        os.kill(self.wait_for_pid(name), signal.SIGKILL)

    def post(self, text: str, user: str, **headers: str) -> dict[str, Any]:
        """Submit a thought as a program does, and return the response; it must be accepted."""
        body = json.dumps({"text": text, "user_id": user}).encode()
        request = urllib.request.Request(
            f"{self.url}/thoughts", body, {"Content-Type": "application/json", **headers}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 201
            return dict(json.load(response))

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as response:
            return dict(json.load(response))

    def thought(self, thought_id: str) -> dict[str, Any]:
        return self.get(f"/thoughts/{thought_id}")

    def listen(self, user: str) -> "Listener":
        """Open this user's stream; it stays open until the stack stops."""
        self.listeners.append(Listener(self, user))
        return self.listeners[-1]

    def wait_until_terminal(self, thought_id: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until the thought is completed or failed, and return it."""

        def terminal_thought() -> dict[str, Any] | None:
            thought = self.thought(thought_id)
            return thought if thought["status"] in TERMINAL else None

        return eventually(terminal_thought, timeout=timeout) or {}

    def logged_calls(self) -> list[dict[str, Any]]:
        """Return the entries of the scripted provider's call log; the event of an entry is start, end or error."""
        return [json.loads(line) for line in self.call_log.read_text().splitlines()] if self.call_log.exists() else []

    def call_counts(self, thought_id: str) -> "Counter[str]":
        """Return how often each agent was called for a thought."""
        return Counter(
            call["agent"]
            for call in self.logged_calls()
            if call["event"] == "start" and call["thought_id"] == thought_id
        )

    def call_spans(self, thoughts: list[str]) -> dict[str, tuple[float, float]]:
        """Return for each thought when its first call began and when its last call ended."""
        times: dict[str, list[float]] = defaultdict(list)
        for call in self.logged_calls():
            times[call["thought_id"]].append(call["time"])
        return {thought: (min(times[thought]), max(times[thought])) for thought in thoughts}


@contextmanager
def running_stack(settings: Mapping[str, str], scale: str = "") -> Iterator[Stack]:
    """Run a stack with the scripted provider in a new directory; it is ready at the start of the block."""
    with traversable_directory() as directory, running_stack_in(directory, free_port_base(), settings, scale) as stack:
        yield stack


@contextmanager
def running_stack_in(
    directory: Path, port_base: int, settings: Mapping[str, str], scale: str, variables: Sequence[str] = ()
) -> Iterator[Stack]:
    """Run a stack with the scripted provider in this directory, on these ports.

    `variables` are items for `--env`.
    """
    stack = Stack(directory / "stack", directory / "calls.jsonl")
    provider = {"AI_PROVIDER": "scripted", "ALLOW_SCRIPTED": "true", "SCRIPTED_CALL_LOG": str(stack.call_log)}
    set_options = [text for name, value in {**provider, **settings}.items() for text in ("--set", f"{name}={value}")]
    scale_options = ["--scale", scale] if scale else []
    location = ("--dir", str(stack.directory), "--port-base", str(port_base), "--kafka", "apache", "--detach")
    variable_options = [text for variable in variables for text in ("--env", variable)]
    result = devstack("up", *location, *set_options, *scale_options, *variable_options)
    try:
        require_up(result)
        stack.initial_status = stack.status()
        yield stack
    finally:
        for listener in stack.listeners:
            listener.close()
        devstack("down", "--dir", str(stack.directory))


@dataclass
class Listener:
    """A client that reads a user's stream in the background, as curl -N does."""

    stack: Stack
    user: str
    last_event_id: str = ""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        headers = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        request = urllib.request.Request(f"{self.stack.url}/thoughts/stream/{self.user}", headers=headers)
        self._closing = False
        self._response = urllib.request.urlopen(request, timeout=60)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        kind = ""
        try:
            for line in self._response:
                name, _, value = line.decode().rstrip("\n").partition(":")
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

    def event_names(self, thought_id: str) -> list[str]:
        """Return the names of a thought's events in the order of arrival; those of agents with their progress."""
        return [
            f"{kind} {data['progress']}" if "progress" in data else kind
            for kind, data in list(self.events)
            if data.get("thought_id") == thought_id
        ]

    def close(self) -> None:
        self._closing = True
        self._thread.join(30)
        self._response.close()


def error_response(url: str, **request: Any) -> tuple[int, str]:
    """Send a request that must fail, and return the status and the content type of the response."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, **request), timeout=30)
    except HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"]
    raise AssertionError("the request was accepted")


def new_id() -> str:
    """Return a new id for a user, a thought, an event or a consumer group."""
    return str(uuid4())


FULL_EVENT_SEQUENCE = [
    "thought_created",
    "thought_processing",
    *(f"thought_agent_completed {number}/5" for number in range(1, 6)),
    "thought_completed",
]
