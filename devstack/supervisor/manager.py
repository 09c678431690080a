"""The process that keeps the others running: circus, with the stack of DIR as its processes.

    python -m devstack.supervisor.manager DIR    (goes into the background by itself)

It runs in a session of its own and gives each process one too, so that a Ctrl-C in a terminal reaches none of them.
What ends without being told to is started again at the next look, twice a second, for ever; what shows no life any more
is ended for that (`devstack.supervisor.watchdog`). Stopping goes rank by rank
(`devstack.spec.process_kinds`), with SIGKILL for what does not end in its time.

Circus's own stop and start commands lock out everything else while they wait, restarts included; those here do not.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from circus import logger
from circus.arbiter import Arbiter
from circus.commands.base import Command
from circus.util import configure_logger
from circus.watcher import Watcher
from tornado import gen, ioloop

from devstack.spec.layout import PROJECT, StackDir
from devstack.spec.stack import Process, load
from devstack.supervisor import locks, logs, pid_records
from devstack.supervisor.liveness import CHECK_INTERVAL_SECONDS as LIVENESS_INTERVAL_SECONDS
from devstack.supervisor.watchdog import Watchdog

CHECK_INTERVAL_SECONDS = 0.5
"""Seconds between two looks for processes that ended."""

ROTATE_INTERVAL_MS = 10_000
"""Milliseconds between two looks at the lengths of the logs."""


class Manager(Arbiter):  # type: ignore[misc]  # circus carries no types
    """Circus's arbiter, but stopping in order."""

    def manage_watchers(self) -> Any:
        """The look for what ended: none while everything stops, where circus would only log a conflict."""
        return None if self._stopping else super().manage_watchers()

    @gen.coroutine
    def _stop_watchers(self, close_output_streams: bool = False, watcher_iter_func: Any = None) -> Any:  # noqa: ARG002 - circus's signature
        for _, rank in groupby(self.iter_watchers(), key=lambda watcher: watcher.priority):
            yield [watcher._stop() for watcher in rank]  # noqa: SLF001 - its public twin locks everything else out


class GracefulWatcher(Watcher):  # type: ignore[misc]  # circus carries no types
    """Circus's watcher, but one that is still stopping is waited for, and no end of a process goes untold.

    A second stop would hold up the whole manager until the process has ended, and a start would be forgotten."""

    @gen.coroutine
    def manage_processes(self) -> Any:
        """Start again what has ended. Circus's own forgets, before its hooks hear of it, whatever ended in the moment
        between two other looks of it; a stop has such a moment too."""
        if self.is_stopped():
            return
        for pid in [pid for pid, process in self.processes.items() if not process.is_alive()]:
            self.reap_process(pid)
        if not self.processes and not self.is_stopping():
            yield self.spawn_processes()

    @gen.coroutine
    def _start(self) -> Any:
        yield self._wait_until_stopped()
        yield super()._start()

    @gen.coroutine
    def _stop(self, close_output_streams: bool = False) -> Any:
        yield self._wait_until_stopped()
        yield super()._stop(close_output_streams)

    @gen.coroutine
    def _wait_until_stopped(self) -> Any:
        while self.status() == "stopping":
            yield gen.sleep(0.05)


class StartProcesses(Command):  # type: ignore[misc]  # circus carries no types
    """Start the named processes; those that run are left alone."""

    name = "start_processes"
    properties = ("names",)

    def execute(self, arbiter: Manager, props: dict[str, Any]) -> Any:
        """A future that is done when all are started."""
        return gen.multi([arbiter.get_watcher(name)._start() for name in props["names"]])  # noqa: SLF001 - as above


class StopProcesses(Command):  # type: ignore[misc]  # circus carries no types
    """Stop the named processes, all at once; they stay down until they are started."""

    name = "stop_processes"
    properties = ("names",)

    def execute(self, arbiter: Manager, props: dict[str, Any]) -> Any:
        """A future that is done when all have ended."""
        return gen.multi([arbiter.get_watcher(name)._stop() for name in props["names"]])  # noqa: SLF001 - as above


def main() -> None:
    """Return at once in this process, and run as another one until the command `quit` or SIGTERM.

    The lock is taken before the fork, so that there is no moment in which a living manager cannot be found.
    """
    home = StackDir(Path(sys.argv[1]))
    lock = locks.acquire(home.manager_lock, wait=True)
    if os.fork():
        os._exit(0)
    os.setsid()
    locks.write_pid(lock)
    _run(home)
    lock.close()


def _run(home: StackDir) -> None:
    configure_logger(logger, "INFO", "-")
    sockets = home.socket_directory()
    processes = load(home).processes
    watchers = [_watcher(home, process) for process in processes]
    endpoints = [f"ipc://{sockets / name}" for name in ("control.sock", "news.sock")]
    manager = Manager(watchers, *endpoints, check_delay=CHECK_INTERVAL_SECONDS, proc_name="devstack")
    ioloop.PeriodicCallback(lambda: logs.rotate(home.logs), ROTATE_INTERVAL_MS).start()
    ioloop.PeriodicCallback(Watchdog(home, manager, processes).check, LIVENESS_INTERVAL_SECONDS * 1000).start()
    manager.start()


def _watcher(home: StackDir, process: Process) -> GracefulWatcher:
    shell, *words = logs.appending_to_log(process.argv)
    log = home.log(process.name)
    return GracefulWatcher(
        process.name,
        shell,
        args=words,
        copy_env=True,
        env=process.environment | {"DEVSTACK_LOG": str(log)},
        working_dir=str(PROJECT),
        uid=process.user,
        priority=process.stop_rank,
        stop_signal=process.stop_signal,
        graceful_timeout=process.stop_timeout,
        max_retry=-1,
        autostart=False,
        hooks=_hooks(home, process),
    )


def _hooks(home: StackDir, process: Process) -> dict[str, tuple[Callable[..., bool], bool]]:
    """Keep the process's record. Told to start: the start is no restart; else it ended by itself."""
    told = False
    restarts = 0

    def before_start(**_: Any) -> bool:
        nonlocal told
        told = True
        return True

    def before_spawn(**_: Any) -> bool:
        home.heartbeat(process.name).unlink(missing_ok=True)
        log = home.open_log(process.name)
        if process.user:
            shutil.chown(log, process.user)
        return True

    def after_spawn(pid: int, **_: Any) -> bool:
        nonlocal told, restarts
        restarts += not told
        told = False
        pid_records.write(home, process.name, pid, restarts)
        return True

    def after_signal(pid: int, **_: Any) -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # a process that was stopped would never see the signal
        return True

    def after_reap(exit_code: int | None = None, **_: Any) -> bool:
        if exit_code is not None:
            pid_records.record_exit(home, process.name, exit_code)
        return True

    hooks = (before_start, before_spawn, after_spawn, after_signal, after_reap)
    return {hook.__name__: (hook, True) for hook in hooks}


if __name__ == "__main__":
    main()
