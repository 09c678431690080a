"""Replaces stalled processes: one that is suspended, or hangs as a whole, cannot detect that itself."""

import time
from collections.abc import Iterable
from typing import Any, Final

from circus import logger

from devstack.spec.layout import StackDir
from devstack.spec.process_kinds import HEARTBEAT_KINDS
from devstack.spec.stack import Process
from devstack.supervisor.liveness import Heartbeat, LivenessTimer

STOP_TIMEOUT_SECONDS: Final = 10.0
"""Seconds between the stop signal and SIGKILL. Other processes have long taken over the work of a stalled one."""


class HeartbeatWatchdog:
    """Stops a process that misses its heartbeats for its `liveness_timeout`; the manager then restarts it."""

    def __init__(self, stack_dir: StackDir, arbiter: Any, processes: Iterable[Process]) -> None:
        self._stack_dir = stack_dir
        self._arbiter = arbiter
        now = time.monotonic()
        self._timers = {
            process.name: LivenessTimer(process.liveness_timeout, now)
            for process in processes
            if process.kind in HEARTBEAT_KINDS
        }

    def check(self) -> None:
        """Check the heartbeats of all processes and stop the stalled ones, except those that are already stopping."""
        for name, timer in self._timers.items():
            watcher = self._arbiter.get_watcher(name)
            for process in list(watcher.processes.values()) if watcher.is_active() else []:
                if timer.update(self._heartbeat(name, process.pid), time.monotonic()) and not process.stopping:
                    logger.warning("%s missed its heartbeats and is restarted", name)
                    watcher.kill_process(process, graceful_timeout=STOP_TIMEOUT_SECONDS)

    def _heartbeat(self, name: str, pid: int) -> Heartbeat:
        try:
            return Heartbeat(pid, self._stack_dir.heartbeat_file(name).stat().st_mtime)
        except FileNotFoundError:
            return Heartbeat(pid, None)
