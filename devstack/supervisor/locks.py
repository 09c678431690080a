"""Provides file locks between processes; a lock is released when its holder exits, even if it is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def acquire(path: Path, *, wait: bool) -> IO[str]:
    """Lock a file until the returned file is closed or this process exits, and write the pid into it.

    Raises BlockingIOError when another process holds the lock and `wait` is False.
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
    """Write this process's pid into a lock that it holds; a fork needs it again, because the child keeps the lock."""
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock, hold it during the block, and release it."""
    with acquire(path, wait=True):
        yield


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that concurrent checks do not conflict
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def holder_pid(path: Path) -> int | None:
    """Return the pid of the last holder; None when there was none."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
