"""The processes' logs: each process writes straight into its file, so that nothing is lost when the manager dies."""

import shutil
from collections import deque
from pathlib import Path

MAX_LOG_BYTES = 10_000_000
"""Bytes of a log, and again as much in NAME.log.1."""

APPEND_SCRIPT = 'exec "$0" "$@" >>"$DEVSTACK_LOG" 2>&1'
"""Run by a shell that then becomes the process, so that the pid is the process's own."""


def appending_to_log(argv: list[str]) -> list[str]:
    """The command that appends what `argv` writes to the file named by the variable DEVSTACK_LOG."""
    return ["/bin/sh", "-c", APPEND_SCRIPT, *argv]


def rotate(directory: Path, limit: int = MAX_LOG_BYTES) -> None:
    """Move what is too long to NAME.log.1. The writers append, so they go on at the start of the emptied file; a line
    written between the copy and the cut is lost."""
    for path in directory.glob("*.log"):
        if path.stat().st_size > limit:
            aside = path.with_name(path.name + ".1")
            aside.touch(mode=0o600)
            shutil.copyfile(path, aside)
            with path.open("r+b") as stream:
                stream.truncate(0)


def tail(path: Path, lines: int = 25) -> str:
    """The end of a log, for a person to read; a sentence when there is none."""
    try:
        with path.open(errors="replace") as stream:
            last = deque(stream, maxlen=lines)
    except FileNotFoundError:
        return "  (it wrote nothing)"
    return "".join(f"  {line.rstrip()}\n" for line in last).rstrip() or "  (it wrote nothing)"
