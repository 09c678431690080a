"""Waiting until processes are ready, with each one's success said, and each one's failure explained."""

import time

from devstack import console
from devstack.commands.readiness import is_ready
from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.stack import Process, Stack
from devstack.supervisor import client, logs, pid_records

READY_TIMEOUT_SECONDS = 90.0
"""Seconds: a cold machine starts everything in a third of it."""

MAX_RESTARTS = 5
POLL_SECONDS = 0.2


def wait_until_ready(home: StackDir, stack: Stack, processes: list[Process]) -> None:
    """Return when all are ready. Raises DevstackError that names those which are not, with the ends of their logs."""
    began = time.monotonic()
    pending = list(processes)
    while pending:
        pending = [each for each in pending if not _print_if_ready(home, stack, each, began)]
        if pending and _cannot_become_ready(home, pending, began):
            raise DevstackError("\n".join(_explain(home, each) for each in pending))
        time.sleep(POLL_SECONDS if pending else 0)


def _print_if_ready(home: StackDir, stack: Stack, process: Process, began: float) -> bool:
    ready = is_ready(home, stack, process)
    if ready:
        console.print_line(f"  {process.name} is ready after {time.monotonic() - began:.1f} s")
    return ready


def _cannot_become_ready(home: StackDir, pending: list[Process], began: float) -> bool:
    if time.monotonic() - began > READY_TIMEOUT_SECONDS or not client.is_manager_running(home):
        return True
    found = [pid_records.read(home, each.name) for each in pending]
    return any(record and record.restarts >= MAX_RESTARTS for record in found)


def _explain(home: StackDir, process: Process) -> str:
    record = pid_records.read(home, process.name)
    state = "does not stay up" if record is None or record.restarts else "runs, but is not ready"
    return f"{process.name} {state}. The end of {home.log(process.name)}:\n{logs.tail(home.log(process.name))}"
