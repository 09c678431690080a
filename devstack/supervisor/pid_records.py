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

from devstack.spec.layout import Home, write_private
from devstack.spec.stack import Process

MARK = "DEVSTACK_DIR"
"""Every process has this in its environment, so that children whose parent was killed can be told from strangers."""


class Record(BaseModel):
    """One process as the manager started it; `born` is in seconds since the epoch, as the system tells it.

    `last_exit` is the status of the last one that ended, this one or one before: -9 when signal 9 ended it.
    """

    pid: int
    born: float
    restarts: int = 0
    last_exit: int | None = None


def write(home: Home, name: str, pid: int, restarts: int) -> None:
    """Note a process that was just started."""
    before = read(home, name)
    with suppress(psutil.NoSuchProcess):  # it ended at once; the next start writes
        record = Record(pid=pid, born=psutil.Process(pid).create_time(), restarts=restarts)
        _keep(home, name, record.model_copy(update={"last_exit": before.last_exit if before else None}))


def note_end(home: Home, name: str, status: int) -> None:
    """Note how a process ended."""
    if record := read(home, name):
        _keep(home, name, record.model_copy(update={"last_exit": status}))


def read(home: Home, name: str) -> Record | None:
    """The last record of a process; None when it was never started."""
    try:
        return Record.model_validate_json(home.record(name).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _keep(home: Home, name: str, record: Record) -> None:
    write_private(home.record(name), record.model_dump_json())


def forget(home: Home) -> None:
    """Drop all records: restarts count from the start of a stack."""
    for path in home.run.glob("*.json"):
        path.unlink(missing_ok=True)


def living(record: Record | None) -> psutil.Process | None:
    """The process of a record if it still runs."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        same = process.create_time() == record.born
    except psutil.NoSuchProcess:
        return None
    return process if same and _runs(process) else None


def end_leftovers(home: Home, processes: Iterable[Process]) -> list[str]:
    """End what a killed manager left running, rank by rank, and say whom; then their orphaned children."""
    ordered = sorted(processes, key=lambda each: -each.rank)
    found = {each.name: record for each in ordered if (record := read(home, each.name))}
    ended = []
    for rank in sorted({each.rank for each in ordered}, reverse=True):
        group = [(each, left) for each in ordered if each.rank == rank and (left := living(found.get(each.name)))]
        _end(group)
        ended += [each.name for each, _ in group]
    _end_orphans(home, {record.pid for record in found.values()})
    return ended


def _end(group: list[tuple[Process, psutil.Process]]) -> None:
    for each, left in group:
        with suppress(psutil.NoSuchProcess):
            left.send_signal(each.stop_signal)
            left.send_signal(signal.SIGCONT)  # a stopped process would never see the first signal
    patience = max((each.patience for each, _ in group), default=0.0)
    _kill(_await_end([left for _, left in group], patience))


def _await_end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds. One that ended and was not yet collected by its parent does not run:
    in a container the first process, which inherits orphans, may never collect them."""
    deadline = time.monotonic() + seconds
    while (running := [each for each in processes if _runs(each)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(processes: list[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    _await_end(processes, 5)


def _end_orphans(home: Home, sessions: set[int]) -> None:
    """Children live in the session of the process that the manager started; PostgreSQL's end by themselves."""
    _kill([each for each in psutil.process_iter() if _is_orphan(each, home, sessions)])


def _is_orphan(process: psutil.Process, home: Home, sessions: set[int]) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.environ().get(MARK) == str(home.root)
    except (psutil.Error, OSError):
        return False
