"""Shows that a process makes progress: the process touches a file, and its supervisor checks the age of that file."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


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
