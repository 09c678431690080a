"""Waits until processes are ready, reports each one, and explains failures with the last lines of the logs."""

import time

from devstack import console
from devstack.commands.readiness import is_ready, stack_problems
from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process, Stack
from devstack.supervisor import client, logs, pid_records

READY_TIMEOUT_SECONDS = 90.0
"""Seconds for all processes of one step; with cold caches, everything is ready in a third of it."""

MAX_RESTARTS = 5
"""Restarts after which `up` reports a process as failed, without waiting for the timeout."""

POLL_SECONDS = 0.2


def wait_until_ready(stack_dir: StackDir, stack: Stack, processes: list[Process]) -> None:
    """Return when all are ready. Raises DevstackError with the names and last log lines of those that are not."""
    started_at = time.monotonic()
    pending = list(processes)
    while pending:
        pending = [process for process in pending if not _print_if_ready(stack_dir, stack, process, started_at)]
        if pending and _cannot_become_ready(stack_dir, pending, started_at):
            raise DevstackError("\n".join(_explain(stack_dir, process) for process in pending))
        time.sleep(POLL_SECONDS if pending else 0)


def wait_until_working(stack: Stack, metrics_token: str | None) -> None:
    """Return when the web has seen every store and kind of process of the stack work; without a web, at once.

    Raises DevstackError with what does not work.
    """
    started_at = time.monotonic()
    while stack.web_url and (problems := stack_problems(stack, metrics_token)):
        if time.monotonic() - started_at > READY_TIMEOUT_SECONDS:
            raise DevstackError("The processes run, but the system does not work. " + " ".join(problems))
        time.sleep(POLL_SECONDS)


def _print_if_ready(stack_dir: StackDir, stack: Stack, process: Process, started_at: float) -> bool:
    ready = is_ready(stack_dir, stack, process)
    if ready:
        console.print_line(f"  {process.name} is ready after {time.monotonic() - started_at:.1f} s")
    return ready


def _cannot_become_ready(stack_dir: StackDir, pending: list[Process], started_at: float) -> bool:
    if time.monotonic() - started_at > READY_TIMEOUT_SECONDS or not client.is_manager_running(stack_dir):
        return True
    records = [pid_records.read(stack_dir, process.name) for process in pending]
    return any(record and record.restarts >= MAX_RESTARTS for record in records)


def _explain(stack_dir: StackDir, process: Process) -> str:
    record = pid_records.read(stack_dir, process.name)
    problem = "does not stay running" if record is None or record.restarts else "is running but not ready"
    log = stack_dir.log_file(process.name)
    return f"{process.name} {problem}. The last lines of {log}:\n{logs.tail(log)}"
