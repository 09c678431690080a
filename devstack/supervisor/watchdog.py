"""Replacing processes that run and do nothing: only somebody outside sees one that was stopped, or hangs as a whole."""

import time
from collections.abc import Iterable
from typing import Any, Final

from circus import logger

from devstack.spec.layout import StackDir
from devstack.spec.process_kinds import HEARTBEAT_KINDS
from devstack.spec.stack import Process
from devstack.supervisor.liveness import Heartbeat, LivenessTimer

STOP_TIMEOUT_SECONDS: Final = 10.0
"""Between the stop signal and SIGKILL. Others have long taken over what a silent process had begun."""


class Watchdog:
    """Ends what has shown no life for as long as its `silence` says; the manager then starts it again."""

    def __init__(self, home: StackDir, arbiter: Any, processes: Iterable[Process]) -> None:
        self._home = home
        self._arbiter = arbiter
        now = time.monotonic()
        self._timers = {
            each.name: LivenessTimer(each.liveness_timeout, now) for each in processes if each.kind in HEARTBEAT_KINDS
        }

    def check(self) -> None:
        """Look at all of them. One that is being stopped already is left alone."""
        for name, silence in self._timers.items():
            watcher = self._arbiter.get_watcher(name)
            for process in list(watcher.processes.values()) if watcher.is_active() else []:
                if silence.is_expired(self._heartbeat(name, process.pid), time.monotonic()) and not process.stopping:
                    logger.warning("%s shows no life and is replaced", name)
                    watcher.kill_process(process, graceful_timeout=STOP_TIMEOUT_SECONDS)

    def _heartbeat(self, name: str, pid: int) -> Heartbeat:
        try:
            return Heartbeat(pid, self._home.heartbeat(name).stat().st_mtime)
        except FileNotFoundError:
            return Heartbeat(pid, None)
