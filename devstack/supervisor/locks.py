"""Locks between processes that end with their holder, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def acquire(path: Path, *, wait: bool) -> IO[str]:
    """Take the lock of a file, until the returned file is closed or this process ends; its pid stands in the file.

    Raises BlockingIOError when somebody else has it and `wait` is False.
    """
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        lock.close()
        raise
    write_pid(lock)
    return lock


def write_pid(lock: IO[str]) -> None:
    """Write this process's pid into a lock that it holds: anew after a fork, over which a lock stays held."""
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One after the other: wait for the lock, and give it back at the end."""
    with acquire(path, wait=True):
        yield


def is_held(path: Path) -> bool:
    """Whether a living process has the lock."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not see each other
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder_pid(path: Path) -> int | None:
    """The pid of the last holder."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
