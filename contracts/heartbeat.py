"""How a process says that it works: it touches a file, and whoever started it looks at the file's age."""

from pathlib import Path


def beat(path: str) -> None:
    """Touch HEARTBEAT_FILE; nothing happens where none is asked for."""
    if path:
        Path(path).touch()
