"""Talking to a stack's manager: whether it lives, its commands, its start and its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress

from circus.client import CircusClient
from circus.exc import CallError

from devstack.errors import DevstackError, NotUp
from devstack.spec.layout import PROJECT, Home
from devstack.spec.stack import Process, Stack
from devstack.supervisor import locks, logs, pid_records, stop_progress

ANSWER_WITHIN = 60.0
"""Seconds, beside the patience of the processes that a command is about."""


def manager_lives(home: Home) -> bool:
    """Whether the stack has a manager; what it manages may be down nevertheless."""
    return locks.is_held(home.manager_lock)


def launch(home: Home, environment: Mapping[str, str]) -> None:
    """Start the manager in a session of its own and wait until it takes commands. Raises DevstackError."""
    with home.open_log("manager").open("a") as log:
        argv = [sys.executable, "-m", "devstack.supervisor.manager", str(home.root)]
        subprocess.run(  # noqa: S603 - our own words
            argv, cwd=PROJECT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    deadline = time.monotonic() + ANSWER_WITHIN
    while not _takes_commands(home):
        if not manager_lives(home) or time.monotonic() > deadline:
            end = logs.tail(home.log("manager"))
            raise DevstackError(f"The process manager did not start; the end of its log says:\n{end}")


def _takes_commands(home: Home) -> bool:
    try:
        command(home, "numwatchers", within=0.5)
    except DevstackError:
        return False
    return True


def start(home: Home, processes: list[Process]) -> None:
    """Start processes; those that run are left alone."""
    _command_about(home, "start_processes", processes)  # one that is still stopping is waited for


def stop(home: Home, processes: list[Process]) -> None:
    """Stop processes and wait until they have ended; they stay down until `start`."""
    with stop_progress.said(home, processes):
        _command_about(home, "stop_processes", processes)


def _command_about(home: Home, name: str, processes: list[Process]) -> None:
    within = ANSWER_WITHIN + max((each.patience for each in processes), default=0.0)
    command(home, name, within=within, names=[each.name for each in processes])


def command(home: Home, name: str, within: float = ANSWER_WITHIN, **properties: object) -> None:
    """Give the manager a command and wait until it is done. Raises DevstackError when it refuses or says nothing."""
    client = CircusClient(endpoint=f"ipc://{home.socket_directory() / 'control.sock'}", timeout=within)
    try:
        answer = client.send_message(name, waiting=True, **properties)
    except CallError as silent:
        raise DevstackError(
            f"The process manager does not answer ({silent}); end it with: down --dir {home.root}"
        ) from None
    finally:
        client.stop()
    if answer.get("status") != "ok":
        raise DevstackError(f"The process manager refused {name}: {answer.get('reason')}")


def require_manager(home: Home) -> None:
    """Raise NotUp unless the stack has a manager."""
    if not manager_lives(home):
        raise NotUp(f"The stack in {home.root} is not up. Start it with: python -m devstack up --dir {home.root}")


def bring_down(home: Home, stack: Stack) -> list[str]:
    """End the manager and everything it started, and what a manager that was killed left behind.

    Returns the names of those left behind. Whatever happened before, nothing of the stack runs afterwards.
    """
    with stop_progress.said(home, stack.processes):
        _end_manager(home, time.monotonic() + _patience(stack))
        return pid_records.end_leftovers(home, stack.processes)


def _end_manager(home: Home, deadline: float) -> None:
    while manager_lives(home) and time.monotonic() < deadline:
        _signal_manager(home, signal.SIGTERM)
        _wait_for_end(home, 5)
    if manager_lives(home):
        _signal_manager(home, signal.SIGKILL)
        _wait_for_end(home, 5)


def _patience(stack: Stack) -> float:
    """What the ranks may take one after the other, each as long as its most patient process."""
    slowest: dict[int, float] = {}
    for each in stack.processes:
        slowest[each.rank] = max(slowest.get(each.rank, 0.0), each.patience)
    return sum(slowest.values()) + 10


def _signal_manager(home: Home, number: signal.Signals) -> None:
    if pid := locks.holder(home.manager_lock):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that was stopped would never see it


def _wait_for_end(home: Home, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while manager_lives(home) and time.monotonic() < deadline:
        time.sleep(0.05)
