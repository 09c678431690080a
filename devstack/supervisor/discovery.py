"""Finds the processes of a stack without its directory, which may have been deleted or moved while they run.

Each of our processes has the directory's path in a variable. Redis overwrites its environment, and is recognised by its
working directory. Processes of other accounts, whose environment cannot be read, are never found.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from devstack.errors import DevstackError
from devstack.spec.layout import StackDir
from devstack.spec.process_kinds import STOP_RANKS
from devstack.supervisor import pid_records

MANAGER = "manager"
MANAGER_MODULE = "devstack.supervisor.manager"
MANAGER_STOP_SECONDS = 900.0
"""The manager itself ends processes that exceed their stop timeouts; the longest possible sum is below this."""

REDIS_NAMES = ("redis-server", "valkey-server")
"""Both replace the memory of their environment with a title, so that they are known by name and directory only."""

DEFAULT_STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Found:
    """A process of the stack: its name, such as bridge.1, and how long it may take to stop."""

    name: str
    process: psutil.Process
    stop_seconds: float = DEFAULT_STOP_SECONDS

    @property
    def is_leader(self) -> bool:
        """Whether this is the process that the manager started, and not a child of it."""
        with suppress(OSError):
            return os.getsid(self.process.pid) == self.process.pid
        return False

    @property
    def rank(self) -> int:
        kind = self.name.partition(".")[0].replace("solo", "worker")
        return next((rank for name, rank in STOP_RANKS.items() if name == kind), max(STOP_RANKS.values()))


def find(stack_dir: StackDir) -> list[Found]:
    """Return all running processes of the stack, children included."""
    return [
        found
        for process in psutil.process_iter()
        if process.pid != os.getpid()
        and (found := _identify(process, stack_dir.root))
        and pid_records.is_running(process)
    ]


def find_manager(stack_dir: StackDir) -> psutil.Process | None:
    """Return the stack's manager if it runs."""
    return next((found.process for found in find(stack_dir) if found.name == MANAGER), None)


def is_manager(pid: int | None) -> bool:
    """Return whether this process is a manager. Its directory does not count, because it may have been moved."""
    with suppress(psutil.Error):
        return pid is not None and MANAGER_MODULE in psutil.Process(pid).cmdline()
    return False


def leader_names(found: Iterable[Found]) -> list[str]:
    """Return the names of the processes that the manager started, in order."""
    return sorted({item.name for item in found if item.is_leader and item.name != MANAGER})


def require_none(stack_dir: StackDir) -> None:
    """Raise DevstackError if processes of this directory run although it has no stack."""
    if found := find(stack_dir):
        names = ", ".join(leader_names(found)) or MANAGER
        raise DevstackError(
            f"A stack of {stack_dir.root} still runs ({names}), but its folder was deleted or moved. "
            f"Stop it with: python -m devstack down {stack_dir.option}"
        )


def stop(stack_dir: StackDir) -> list[str]:
    """Stop every process of the stack: the manager stops its own, and those without one are stopped rank by rank.

    Return the names of the stopped processes. None runs afterwards.
    """
    names = leader_names(find(stack_dir))
    if manager := find_manager(stack_dir):
        _signal([manager], signal.SIGTERM)
        pid_records.kill(pid_records.wait_for_exit([manager], MANAGER_STOP_SECONDS))
    leftovers = [found for found in find(stack_dir) if found.is_leader]
    for rank in sorted({found.rank for found in leftovers}, reverse=True):
        _stop_rank([found for found in leftovers if found.rank == rank])
    pid_records.kill([found.process for found in find(stack_dir)])
    return names


def _stop_rank(found: list[Found]) -> None:
    for item in found:
        _signal([item.process], signal.SIGINT if item.name.startswith("postgres") else signal.SIGTERM)
    seconds = max(item.stop_seconds for item in found)
    pid_records.kill(pid_records.wait_for_exit([item.process for item in found], seconds))


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)  # a suspended process would not handle the signal


def _identify(process: psutil.Process, root: Path) -> Found | None:
    with suppress(psutil.Error, OSError):
        return _by_environment(process, root)
    return None


def _by_environment(process: psutil.Process, root: Path) -> Found | None:
    if process.name().startswith(REDIS_NAMES) and Path(process.cwd()) == root / "redis":
        return Found("redis.1", process)
    variables = process.environ()
    if variables.get(pid_records.DEVSTACK_ENV_VAR) != str(root):
        return None
    if MANAGER_MODULE in process.cmdline():
        return Found(MANAGER, process)
    log = Path(variables.get("DEVSTACK_LOG", "job.log"))
    return Found(log.stem, process, float(variables.get("DEVSTACK_STOP_SECONDS", DEFAULT_STOP_SECONDS)))
