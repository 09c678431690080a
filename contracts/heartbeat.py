"""Shows that a process makes progress: the process touches a file, and its supervisor checks the age of that file."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
"""The shortest interval between two writes of a Heartbeat."""


class Heartbeat:
    """Touches HEARTBEAT_FILE at most once a second, for a loop that runs more often than that."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._touched_at = float("-inf")

    def touch(self) -> None:
        """Touch the file unless that was done within the last second."""
        if self._clock() - self._touched_at >= HEARTBEAT_SECONDS:
            self._touched_at = self._clock()
            touch_heartbeat(self._path)

    def is_recent(self, seconds: float) -> bool:
        """Return whether the last touch is at most `seconds` ago. Any thread may ask."""
        return self._clock() - self._touched_at <= seconds


def touch_heartbeat(path: str) -> None:
    """Set the time of HEARTBEAT_FILE to now. Do nothing when `path` is empty.

    A file that cannot be written is only logged, because a failed heartbeat must not end a healthy process.
    """
    if not path:
        return
    try:
        Path(path).touch()
    except OSError as error:
        log.warning("Cannot touch HEARTBEAT_FILE, so a supervisor may replace this process: %s", error)
