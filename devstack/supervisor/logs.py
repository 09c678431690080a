"""Redirects, rotates and reads the processes' logs.

Each process writes to its file directly, so that no output is lost when the manager is killed.
"""

import shutil
from collections import deque
from pathlib import Path

MAX_LOG_BYTES = 10_000_000
"""Maximum size of a log in bytes; NAME.log.1 holds about as much again."""

APPEND_SCRIPT = 'exec "$0" "$@" >>"$DEVSTACK_LOG" 2>&1'
"""Run by a shell that replaces itself with the process, so that the recorded pid is the process's own."""


def appending_to_log(argv: list[str]) -> list[str]:
    """Return the command that runs `argv` and appends its output to the file named by the variable DEVSTACK_LOG."""
    return ["/bin/sh", "-c", APPEND_SCRIPT, *argv]


def rotate(directory: Path, limit: int = MAX_LOG_BYTES) -> None:
    """Move the content of logs over `limit` bytes to NAME.log.1.

    The processes append, so they continue at the start of the emptied file. A line written between the copy and the
    truncation is lost.
    """
    for path in directory.glob("*.log"):
        if path.stat().st_size > limit:
            rotated = path.with_name(path.name + ".1")
            rotated.touch(mode=0o600)
            shutil.copyfile(path, rotated)
            with path.open("r+b") as stream:
                stream.truncate(0)


def tail(path: Path, lines: int = 25) -> str:
    """Return the last lines of a log, indented, or a note that it is empty."""
    try:
        with path.open(errors="replace") as stream:
            last_lines = deque(stream, maxlen=lines)
    except FileNotFoundError:
        return "  (the log is empty)"
    return "".join(f"  {line.rstrip()}\n" for line in last_lines).rstrip() or "  (the log is empty)"
