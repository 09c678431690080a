"""Keeps a record of each started process in DIR/run/NAME.json: its pid, creation time, restarts and last exit status.

The manager writes the records; `status` reads them without a request to the manager. After the manager was killed they
show what it left running. A pid counts only together with its creation time, because the system reuses pids.
"""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil
from pydantic import BaseModel

from devstack.spec.layout import StackDir, write_private
from devstack.spec.stack import Process

DEVSTACK_ENV_VAR = "DEVSTACK_DIR"
"""Variable in the environment of every process of a stack; it identifies orphans, children whose parent was killed."""


class PidRecord(BaseModel):
    """One process as the manager started it.

    `created_at` is the creation time that the system reports, in seconds since the epoch. `last_exit` is the exit
    status of the last process of this name that exited, this one or an earlier one: -9 after signal 9.
    """

    pid: int
    created_at: float
    restarts: int = 0
    last_exit: int | None = None


def write(stack_dir: StackDir, name: str, pid: int, restarts: int) -> None:
    """Record a process that was just started."""
    previous = read(stack_dir, name)
    with suppress(psutil.NoSuchProcess):  # it exited at once; the next start writes the record
        record = PidRecord(pid=pid, created_at=psutil.Process(pid).create_time(), restarts=restarts)
        _save(stack_dir, name, record.model_copy(update={"last_exit": previous.last_exit if previous else None}))


def restore(stack_dir: StackDir, name: str, pid: int, restarts: int) -> None:
    """Write the record of a running process again unless it is right: a full disk may have prevented it."""
    record = read(stack_dir, name)
    if record is None or record.pid != pid or running_process(record) is None:
        with suppress(OSError):
            write(stack_dir, name, pid, restarts)


def record_exit(stack_dir: StackDir, name: str, status: int) -> None:
    """Record the exit status of a process."""
    if record := read(stack_dir, name):
        _save(stack_dir, name, record.model_copy(update={"last_exit": status}))


def read(stack_dir: StackDir, name: str) -> PidRecord | None:
    """Return the last record of a process; None when it was never started or its record is invalid."""
    try:
        return PidRecord.model_validate_json(stack_dir.record_file(name).read_text())
    except (OSError, ValueError):
        return None


def _save(stack_dir: StackDir, name: str, record: PidRecord) -> None:
    write_private(stack_dir.record_file(name), record.model_dump_json())


def delete_all(stack_dir: StackDir) -> None:
    """Delete all records, because restarts are counted from the start of a stack."""
    for path in stack_dir.run_directory.glob("*.json"):
        path.unlink(missing_ok=True)


def running_process(record: PidRecord | None) -> psutil.Process | None:
    """Return the process of a record if it still runs, else None."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        is_same_process = process.create_time() == record.created_at
    except psutil.NoSuchProcess:
        return None
    return process if is_same_process and is_running(process) else None


def stop_leftovers(stack_dir: StackDir, processes: Iterable[Process]) -> list[str]:
    """Stop what a killed manager left running, rank by rank, then kill orphaned children; return the stopped names."""
    ordered = sorted(processes, key=lambda process: -process.stop_rank)
    records = {process.name: record for process in ordered if (record := read(stack_dir, process.name))}
    stopped = []
    for rank in sorted({process.stop_rank for process in ordered}, reverse=True):
        leftovers = [
            (process, running)
            for process in ordered
            if process.stop_rank == rank and (running := running_process(records.get(process.name)))
        ]
        _stop(leftovers)
        stopped += [process.name for process, _ in leftovers]
    _kill_orphans(stack_dir, {record.pid for record in records.values()})
    return stopped


def _stop(leftovers: list[tuple[Process, psutil.Process]]) -> None:
    for process, running in leftovers:
        with suppress(psutil.NoSuchProcess):
            running.send_signal(process.stop_signal)
            running.send_signal(signal.SIGCONT)  # a suspended process would not handle the stop signal
    stop_timeout = max((process.stop_timeout for process, _ in leftovers), default=0.0)
    kill(wait_for_exit([running for _, running in leftovers], stop_timeout))


def wait_for_exit(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait at most `seconds` and return the processes that still run."""
    deadline = time.monotonic() + seconds
    while (running := [process for process in processes if is_running(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running


def is_running(process: psutil.Process) -> bool:
    """Return whether a process runs. A zombie does not: in a container the first process, which inherits orphans, may
    never collect them."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def kill(processes: list[psutil.Process]) -> None:
    """Send SIGKILL and wait until the processes have exited."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for_exit(processes, 5)


def _kill_orphans(stack_dir: StackDir, sessions: set[int]) -> None:
    """Kill the children of the recorded processes, which share their sessions; PostgreSQL's exit automatically."""
    kill([process for process in psutil.process_iter() if _is_orphan(process, stack_dir, sessions)])


def _is_orphan(process: psutil.Process, stack_dir: StackDir, sessions: set[int]) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.environ().get(DEVSTACK_ENV_VAR) == str(stack_dir.root)
    except (psutil.Error, OSError):
        return False
