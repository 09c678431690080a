"""Runs the process manager: circus, with the processes of the stack in DIR.

    python -m devstack.supervisor.manager DIR    (continues in the background)

The manager and each of its processes have their own session, so that a Ctrl-C in a terminal reaches none of them. A
process that exits without a stop command is restarted at the next check, twice a second, without a limit. A process
that misses its heartbeats is stopped and restarted (`devstack.supervisor.watchdog`). Processes stop rank by rank
(`devstack.spec.process_kinds`); one that exceeds its stop timeout gets SIGKILL.

Circus's own stop and start commands block all others, restarts included, while they wait; the commands here do not.
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
from devstack.supervisor.watchdog import HeartbeatWatchdog

CHECK_INTERVAL_SECONDS = 0.5
"""Seconds between two checks for processes that exited."""

ROTATE_INTERVAL_MS = 10_000
"""Milliseconds between two checks of the sizes of the logs."""

RECORD_INTERVAL_MS = 1000
"""Milliseconds between two checks of the records of the running processes."""


class Manager(Arbiter):  # type: ignore[misc]  # circus has no types
    """Circus's arbiter, which stops its watchers rank by rank."""

    def manage_watchers(self) -> Any:
        """Restart exited processes, except while everything stops, when circus would only log a conflict."""
        return None if self._stopping else super().manage_watchers()

    @gen.coroutine
    def _stop_watchers(self, close_output_streams: bool = False, watcher_iter_func: Any = None) -> Any:  # noqa: ARG002 - circus's signature
        for _, watchers in groupby(self.iter_watchers(), key=lambda watcher: watcher.priority):
            yield [watcher._stop() for watcher in watchers]  # noqa: SLF001 - the public method blocks all other commands


class GracefulWatcher(Watcher):  # type: ignore[misc]  # circus has no types
    """Circus's watcher, which reports every exit to its hooks, starts or stops only after a stop in progress, and never
    gives up a restart.

    Without the wait, a second stop would block the whole manager until the process has exited, and a start would be
    lost.
    """

    restarts = 0
    """How often a process that exited was replaced."""

    @gen.coroutine
    def manage_processes(self) -> Any:
        """Restart exited processes.

        Circus's own method removes a process that exits between two of its checks without calling the hooks; a stop has
        such an interval too. A restart that fails, because no file can be opened or no memory is left, is repeated at
        the next check; circus would stop the watcher, or without a limit repeat it at once and block the manager.
        """
        if self.is_stopped():
            return
        for pid in [pid for pid, process in self.processes.items() if not process.is_alive()]:
            self.reap_process(pid)
        if not self.processes and not self.is_stopping():
            self.spawn_process()

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


class StartProcesses(Command):  # type: ignore[misc]  # circus has no types
    """Starts the named processes; those that run already stay as they are."""

    name = "start_processes"
    properties = ("names",)

    def execute(self, arbiter: Manager, props: dict[str, Any]) -> Any:
        """Return a future that is done when all have been started."""
        return gen.multi([arbiter.get_watcher(name)._start() for name in props["names"]])  # noqa: SLF001 - as above


class StopProcesses(Command):  # type: ignore[misc]  # circus has no types
    """Stops the named processes in parallel; they stay stopped until a start command."""

    name = "stop_processes"
    properties = ("names",)

    def execute(self, arbiter: Manager, props: dict[str, Any]) -> Any:
        """Return a future that is done when all have exited."""
        return gen.multi([arbiter.get_watcher(name)._stop() for name in props["names"]])  # noqa: SLF001 - as above


def main() -> None:
    """Fork: return at once in this process, and run the manager in the child until the command `quit` or SIGTERM.

    The lock is acquired before the fork, so that a running manager always holds it.
    """
    stack_dir = StackDir(Path(sys.argv[1]))
    lock = locks.acquire(stack_dir.manager_lock, wait=True)
    if os.fork():
        os._exit(0)
    os.setsid()
    locks.write_pid(lock)
    _run(stack_dir)
    lock.close()


def _run(stack_dir: StackDir) -> None:
    configure_logger(logger, "INFO", "-")
    sockets = stack_dir.ensure_socket_directory()
    processes = load(stack_dir).processes
    watchers = [_watcher(stack_dir, process) for process in processes]
    endpoints = [f"ipc://{sockets / name}" for name in ("control.sock", "events.sock")]
    manager = Manager(watchers, *endpoints, check_delay=CHECK_INTERVAL_SECONDS, proc_name="devstack")
    ioloop.PeriodicCallback(lambda: logs.rotate(stack_dir.log_directory), ROTATE_INTERVAL_MS).start()
    ioloop.PeriodicCallback(
        HeartbeatWatchdog(stack_dir, manager, processes).check, LIVENESS_INTERVAL_SECONDS * 1000
    ).start()
    ioloop.PeriodicCallback(lambda: _restore_records(stack_dir, watchers), RECORD_INTERVAL_MS).start()
    manager.start()


def _restore_records(stack_dir: StackDir, watchers: list[GracefulWatcher]) -> None:
    """Write the records that could not be written when their processes started, so that `status` is right again.

    Nothing is written into a directory that is being deleted.
    """
    for watcher in watchers if stack_dir.stack_file.exists() else []:
        for pid in [pid for pid, process in watcher.processes.items() if process.is_alive()]:
            pid_records.restore(stack_dir, watcher.name, pid, watcher.restarts)


def _watcher(stack_dir: StackDir, process: Process) -> GracefulWatcher:
    shell, *arguments = logs.appending_to_log(process.argv)
    log = stack_dir.log_file(process.name)
    return GracefulWatcher(
        process.name,
        shell,
        args=arguments,
        copy_env=True,
        env=process.environment | {"DEVSTACK_LOG": str(log), "DEVSTACK_STOP_SECONDS": str(process.stop_timeout)},
        working_dir=str(PROJECT),
        uid=process.user,
        priority=process.stop_rank,
        stop_signal=process.stop_signal,
        graceful_timeout=process.stop_timeout,
        max_retry=1,
        autostart=False,
        hooks=_hooks(stack_dir, process),
    )


def _hooks(stack_dir: StackDir, process: Process) -> dict[str, tuple[Callable[..., bool], bool]]:
    """Return the hooks that keep the process's record.

    A spawn after a start command is not counted as a restart; any other spawn replaces a process that exited.
    """
    is_start_requested = False

    def before_start(**_: Any) -> bool:
        nonlocal is_start_requested
        is_start_requested = True
        return True

    def before_spawn(**_: Any) -> bool:
        stack_dir.heartbeat_file(process.name).unlink(missing_ok=True)
        log = stack_dir.open_log(process.name)
        if process.user:
            shutil.chown(log, process.user)
        return True

    def after_spawn(watcher: GracefulWatcher, pid: int, **_: Any) -> bool:
        nonlocal is_start_requested
        watcher.restarts += not is_start_requested
        is_start_requested = False
        pid_records.write(stack_dir, process.name, pid, watcher.restarts)
        return True

    def after_signal(pid: int, **_: Any) -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # a suspended process would not handle the stop signal
        return True

    def after_reap(exit_code: int | None = None, **_: Any) -> bool:
        if exit_code is not None:
            pid_records.record_exit(stack_dir, process.name, exit_code)
        return True

    hooks = (before_start, before_spawn, after_spawn, after_signal, after_reap)
    return {hook.__name__: (hook, True) for hook in hooks}


if __name__ == "__main__":
    main()
