"""Starts, commands and stops a stack's process manager."""

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
from devstack.spec.stack import Process, Stack, load
from devstack.supervisor import discovery, locks, logs, pid_records, stop_progress

REQUEST_TIMEOUT_SECONDS = 60.0
"""Seconds for the manager's answer, added to the stop timeout of the processes that a command stops."""


PID_SECONDS = 2.0
"""Seconds in which a manager that was just started writes its pid."""


def is_manager_running(stack_dir: StackDir) -> bool:
    """Return whether the stack's manager runs; its processes may be stopped nevertheless."""
    return _manager_pid(stack_dir) is not None


def load_stack(stack_dir: StackDir) -> Stack:
    """Read the stack of the last `up`. Raises NotUp when there is none, and DevstackError when it runs nevertheless."""
    try:
        return load(stack_dir)
    except NotUp:
        discovery.require_none(stack_dir)
        raise


def launch(stack_dir: StackDir, environment: Mapping[str, str]) -> None:
    """Start the manager in its own session and wait until it accepts commands. Raises DevstackError."""
    with stack_dir.open_log("manager").open("a") as log:
        argv = [sys.executable, "-m", "devstack.supervisor.manager", str(stack_dir.root)]
        subprocess.run(  # noqa: S603 - no untrusted input
            argv, cwd=PROJECT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    deadline = time.monotonic() + REQUEST_TIMEOUT_SECONDS
    while not _accepts_commands(stack_dir):
        if not is_manager_running(stack_dir) or time.monotonic() > deadline:
            last_lines = logs.tail(stack_dir.log_file("manager"))
            raise DevstackError(f"The process manager did not start. The last lines of its log:\n{last_lines}")


def _accepts_commands(stack_dir: StackDir) -> bool:
    try:
        command(stack_dir, "numwatchers", timeout=0.5)
    except DevstackError:
        return False
    return True


def start(stack_dir: StackDir, processes: list[Process]) -> None:
    """Start processes; those that run already stay as they are, and one that is stopping exits first."""
    _command_processes(stack_dir, "start_processes", processes)


def stop(stack_dir: StackDir, processes: list[Process]) -> None:
    """Stop processes and wait until they have exited; they stay stopped until `start`."""
    with stop_progress.reporting_stops(stack_dir, processes):
        _command_processes(stack_dir, "stop_processes", processes)


def _command_processes(stack_dir: StackDir, name: str, processes: list[Process]) -> None:
    timeout = REQUEST_TIMEOUT_SECONDS + max((process.stop_timeout for process in processes), default=0.0)
    command(stack_dir, name, timeout=timeout, names=[process.name for process in processes])


def command(stack_dir: StackDir, name: str, timeout: float = REQUEST_TIMEOUT_SECONDS, **properties: object) -> None:
    """Send the manager a command and wait until it is done. Raises DevstackError on rejection or after the timeout."""
    client = CircusClient(endpoint=f"ipc://{stack_dir.ensure_socket_directory() / 'control.sock'}", timeout=timeout)
    try:
        answer = client.send_message(name, waiting=True, **properties)
    except CallError as error:
        raise DevstackError(
            f"The process manager does not answer ({error}). Stop it with: python -m devstack down {stack_dir.option}"
        ) from None
    finally:
        client.stop()
    if answer.get("status") != "ok":
        raise DevstackError(f"The process manager rejected the command {name}: {answer.get('reason')}")


def require_manager(stack_dir: StackDir) -> None:
    """Raise NotUp unless the stack's manager runs."""
    if not is_manager_running(stack_dir):
        raise NotUp(
            f"The stack in {stack_dir.root} is not running. Start it with: python -m devstack up {stack_dir.option}"
        )


def bring_down(stack_dir: StackDir, stack: Stack) -> list[str]:
    """Stop the manager with its processes, then every process that a killed manager left running.

    Return the names of the leftovers, also of those without a record. No process of the stack runs afterwards.
    Raises DevstackError when the manager runs where this process cannot see it.
    """
    with stop_progress.reporting_stops(stack_dir, stack.processes):
        _require_visible_manager(stack_dir)
        _stop_manager(stack_dir, time.monotonic() + _stop_timeout(stack))
        return [*pid_records.stop_leftovers(stack_dir, stack.processes), *discovery.stop(stack_dir)]


def _require_visible_manager(stack_dir: StackDir) -> None:
    """Raise DevstackError if the pid in the manager's lock is not that of the manager.

    A container that shares the directory holds the same lock, but numbers its processes itself: here, its manager's pid
    belongs to no process, or to one that must not be stopped.
    """
    deadline = time.monotonic() + PID_SECONDS
    lock = stack_dir.manager_lock
    while locks.is_held(lock) and not discovery.is_manager(locks.holder_pid(lock)):
        if time.monotonic() > deadline:
            raise DevstackError(
                f"The stack in {stack_dir.root} runs where its processes cannot be seen from here, such as in a "
                "container that shares this folder. Stop it there."
            )
        time.sleep(0.05)


def _stop_manager(stack_dir: StackDir, deadline: float) -> None:
    while is_manager_running(stack_dir) and time.monotonic() < deadline:
        _signal_manager(stack_dir, signal.SIGTERM)
        _wait_for_manager_exit(stack_dir, 5)
    if is_manager_running(stack_dir):
        _signal_manager(stack_dir, signal.SIGKILL)
        _wait_for_manager_exit(stack_dir, 5)


def _stop_timeout(stack: Stack) -> float:
    """Return the sum of the ranks' timeouts plus 10 s, because the ranks stop one after the other."""
    rank_timeouts: dict[int, float] = {}
    for process in stack.processes:
        rank_timeouts[process.stop_rank] = max(rank_timeouts.get(process.stop_rank, 0.0), process.stop_timeout)
    return sum(rank_timeouts.values()) + 10


def _manager_pid(stack_dir: StackDir) -> int | None:
    """Return the pid of the running manager, or None. Without its lock, which was deleted, it is searched for."""
    if stack_dir.manager_lock.exists():
        return locks.holder_pid(stack_dir.manager_lock) if locks.is_held(stack_dir.manager_lock) else None
    manager = discovery.find_manager(stack_dir)
    return manager.pid if manager else None


def _signal_manager(stack_dir: StackDir, number: signal.Signals) -> None:
    if pid := _manager_pid(stack_dir):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # a suspended manager would not handle the signal


def _wait_for_manager_exit(stack_dir: StackDir, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_manager_running(stack_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
