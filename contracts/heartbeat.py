"""How a process says that it works: it touches a file, and whoever started it looks at the file's age."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def touch_heartbeat(path: str) -> None:
    """Touch HEARTBEAT_FILE; nothing happens where none is asked for. A sign of life that fails ends nobody."""
    if not path:
        return
    try:
        Path(path).touch()
    except OSError as refused:
        log.warning("HEARTBEAT_FILE cannot be touched: %s", refused)
