"""Waiting until processes are ready, with each one's success said, and each one's failure explained."""

import time

from devstack import console
from devstack.commands.readiness import is_ready
from devstack.errors import DevstackError
from devstack.spec.layout import Home
from devstack.spec.stack import Process, Stack
from devstack.supervisor import client, logs, pid_records

LIMIT = 90.0
"""Seconds: a cold machine starts everything in a third of it."""

TOO_MANY_RESTARTS = 5
LOOK_EVERY = 0.2


def until_ready(home: Home, stack: Stack, processes: list[Process]) -> None:
    """Return when all are ready. Raises DevstackError that names those which are not, with the ends of their logs."""
    began = time.monotonic()
    pending = list(processes)
    while pending:
        pending = [each for each in pending if not _announced(home, stack, each, began)]
        if pending and _is_hopeless(home, pending, began):
            raise DevstackError("\n".join(_explain(home, each) for each in pending))
        time.sleep(LOOK_EVERY if pending else 0)


def _announced(home: Home, stack: Stack, process: Process, began: float) -> bool:
    ready = is_ready(home, stack, process)
    if ready:
        console.say(f"  {process.name} is ready after {time.monotonic() - began:.1f} s")
    return ready


def _is_hopeless(home: Home, pending: list[Process], began: float) -> bool:
    if time.monotonic() - began > LIMIT or not client.manager_lives(home):
        return True
    found = [pid_records.read(home, each.name) for each in pending]
    return any(record and record.restarts >= TOO_MANY_RESTARTS for record in found)


def _explain(home: Home, process: Process) -> str:
    record = pid_records.read(home, process.name)
    state = "does not stay up" if record is None or record.restarts else "runs, but is not ready"
    return f"{process.name} {state}. The end of {home.log(process.name)}:\n{logs.tail(home.log(process.name))}"
