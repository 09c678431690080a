"""Replacing processes that run and do nothing: only somebody outside sees one that was stopped, or hangs as a whole."""

import time
from collections.abc import Iterable
from typing import Any, Final

from circus import logger

from devstack.spec.layout import Home
from devstack.spec.process_kinds import BEATING
from devstack.spec.stack import Process
from devstack.supervisor.liveness import Sign, Silence

GRACE_SECONDS: Final = 10.0
"""Between the stop signal and SIGKILL. Others have long taken over what a silent process had begun."""


class Replacer:
    """Ends what has shown no life for as long as its `silence` says; the manager then starts it again."""

    def __init__(self, home: Home, arbiter: Any, processes: Iterable[Process]) -> None:
        self._home = home
        self._arbiter = arbiter
        now = time.monotonic()
        self._silences = {each.name: Silence(each.silence, now) for each in processes if each.kind in BEATING}

    def look(self) -> None:
        """Look at all of them. One that is being stopped already is left alone."""
        for name, silence in self._silences.items():
            watcher = self._arbiter.get_watcher(name)
            for process in list(watcher.processes.values()) if watcher.is_active() else []:
                if silence.is_too_long(self._sign(name, process.pid), time.monotonic()) and not process.stopping:
                    logger.warning("%s shows no life and is replaced", name)
                    watcher.kill_process(process, graceful_timeout=GRACE_SECONDS)

    def _sign(self, name: str, pid: int) -> Sign:
        try:
            return Sign(pid, self._home.heartbeat(name).stat().st_mtime)
        except FileNotFoundError:
            return Sign(pid, None)
