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
from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.stack import Process, Stack
from devstack.supervisor import locks, logs, pid_records, stop_progress

REQUEST_TIMEOUT_SECONDS = 60.0
"""Seconds, beside the patience of the processes that a command is about."""


def is_manager_running(home: StackDir) -> bool:
    """Whether the stack has a manager; what it manages may be down nevertheless."""
    return locks.is_held(home.manager_lock)


def launch(home: StackDir, environment: Mapping[str, str]) -> None:
    """Start the manager in a session of its own and wait until it takes commands. Raises DevstackError."""
    with home.open_log("manager").open("a") as log:
        argv = [sys.executable, "-m", "devstack.supervisor.manager", str(home.root)]
        subprocess.run(  # noqa: S603 - our own words
            argv, cwd=PROJECT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    deadline = time.monotonic() + REQUEST_TIMEOUT_SECONDS
    while not _takes_commands(home):
        if not is_manager_running(home) or time.monotonic() > deadline:
            end = logs.tail(home.log("manager"))
            raise DevstackError(f"The process manager did not start; the end of its log says:\n{end}")


def _takes_commands(home: StackDir) -> bool:
    try:
        command(home, "numwatchers", timeout=0.5)
    except DevstackError:
        return False
    return True


def start(home: StackDir, processes: list[Process]) -> None:
    """Start processes; those that run are left alone."""
    _command_processes(home, "start_processes", processes)  # one that is still stopping is waited for


def stop(home: StackDir, processes: list[Process]) -> None:
    """Stop processes and wait until they have ended; they stay down until `start`."""
    with stop_progress.reporting_stops(home, processes):
        _command_processes(home, "stop_processes", processes)


def _command_processes(home: StackDir, name: str, processes: list[Process]) -> None:
    within = REQUEST_TIMEOUT_SECONDS + max((each.stop_timeout for each in processes), default=0.0)
    command(home, name, timeout=within, names=[each.name for each in processes])


def command(home: StackDir, name: str, timeout: float = REQUEST_TIMEOUT_SECONDS, **properties: object) -> None:
    """Give the manager a command and wait until it is done. Raises DevstackError when it refuses or says nothing."""
    client = CircusClient(endpoint=f"ipc://{home.socket_directory() / 'control.sock'}", timeout=timeout)
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


def require_manager(home: StackDir) -> None:
    """Raise NotUp unless the stack has a manager."""
    if not is_manager_running(home):
        raise NotUp(f"The stack in {home.root} is not up. Start it with: python -m devstack up --dir {home.root}")


def bring_down(home: StackDir, stack: Stack) -> list[str]:
    """End the manager and everything it started, and what a manager that was killed left behind.

    Returns the names of those left behind. Whatever happened before, nothing of the stack runs afterwards.
    """
    with stop_progress.reporting_stops(home, stack.processes):
        _end_manager(home, time.monotonic() + _stop_timeout(stack))
        return pid_records.stop_leftovers(home, stack.processes)


def _end_manager(home: StackDir, deadline: float) -> None:
    while is_manager_running(home) and time.monotonic() < deadline:
        _signal_manager(home, signal.SIGTERM)
        _wait_for_end(home, 5)
    if is_manager_running(home):
        _signal_manager(home, signal.SIGKILL)
        _wait_for_end(home, 5)


def _stop_timeout(stack: Stack) -> float:
    """What the ranks may take one after the other, each as long as its most patient process."""
    slowest: dict[int, float] = {}
    for each in stack.processes:
        slowest[each.stop_rank] = max(slowest.get(each.stop_rank, 0.0), each.stop_timeout)
    return sum(slowest.values()) + 10


def _signal_manager(home: StackDir, number: signal.Signals) -> None:
    if pid := locks.holder_pid(home.manager_lock):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that was stopped would never see it


def _wait_for_end(home: StackDir, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_manager_running(home) and time.monotonic() < deadline:
        time.sleep(0.05)
