"""A record for each started process, DIR/run/NAME.json: its pid, when it was born, how often it was started again, and
how the last one ended.

The manager writes them; `status` reads them without asking the manager; and after the manager was killed they say what
it left behind. A pid is believed only together with the time of birth, since the system gives pids out again.
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
"""Every process has this in its environment, so that children whose parent was killed can be told from strangers."""


class PidRecord(BaseModel):
    """One process as the manager started it; `born` is in seconds since the epoch, as the system tells it.

    `last_exit` is the status of the last one that ended, this one or one before: -9 when signal 9 ended it.
    """

    pid: int
    born: float
    restarts: int = 0
    last_exit: int | None = None


def write(home: StackDir, name: str, pid: int, restarts: int) -> None:
    """Note a process that was just started."""
    before = read(home, name)
    with suppress(psutil.NoSuchProcess):  # it ended at once; the next start writes
        record = PidRecord(pid=pid, born=psutil.Process(pid).create_time(), restarts=restarts)
        _keep(home, name, record.model_copy(update={"last_exit": before.last_exit if before else None}))


def record_exit(home: StackDir, name: str, status: int) -> None:
    """Note how a process ended."""
    if record := read(home, name):
        _keep(home, name, record.model_copy(update={"last_exit": status}))


def read(home: StackDir, name: str) -> PidRecord | None:
    """The last record of a process; None when it was never started."""
    try:
        return PidRecord.model_validate_json(home.record(name).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _keep(home: StackDir, name: str, record: PidRecord) -> None:
    write_private(home.record(name), record.model_dump_json())


def delete_all(home: StackDir) -> None:
    """Drop all records: restarts count from the start of a stack."""
    for path in home.run.glob("*.json"):
        path.unlink(missing_ok=True)


def running_process(record: PidRecord | None) -> psutil.Process | None:
    """The process of a record if it still runs."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        same = process.create_time() == record.born
    except psutil.NoSuchProcess:
        return None
    return process if same and _is_running(process) else None


def stop_leftovers(home: StackDir, processes: Iterable[Process]) -> list[str]:
    """End what a killed manager left running, rank by rank, and say whom; then their orphaned children."""
    ordered = sorted(processes, key=lambda each: -each.stop_rank)
    found = {each.name: record for each in ordered if (record := read(home, each.name))}
    ended = []
    for rank in sorted({each.stop_rank for each in ordered}, reverse=True):
        group = [
            (each, left)
            for each in ordered
            if each.stop_rank == rank and (left := running_process(found.get(each.name)))
        ]
        _stop(group)
        ended += [each.name for each, _ in group]
    _kill_orphans(home, {record.pid for record in found.values()})
    return ended


def _stop(group: list[tuple[Process, psutil.Process]]) -> None:
    for each, left in group:
        with suppress(psutil.NoSuchProcess):
            left.send_signal(each.stop_signal)
            left.send_signal(signal.SIGCONT)  # a stopped process would never see the first signal
    patience = max((each.stop_timeout for each, _ in group), default=0.0)
    _kill(_wait_for_exit([left for _, left in group], patience))


def _wait_for_exit(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds. One that ended and was not yet collected by its parent does not run:
    in a container the first process, which inherits orphans, may never collect them."""
    deadline = time.monotonic() + seconds
    while (running := [each for each in processes if _is_running(each)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    _wait_for_exit(processes, 5)


def _kill_orphans(home: StackDir, sessions: set[int]) -> None:
    """Children live in the session of the process that the manager started; PostgreSQL's end by themselves."""
    _kill([each for each in psutil.process_iter() if _is_orphan(each, home, sessions)])


def _is_orphan(process: psutil.Process, home: StackDir, sessions: set[int]) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.environ().get(DEVSTACK_ENV_VAR) == str(home.root)
    except (psutil.Error, OSError):
        return False
