"""Writes the scripted provider's call log: one JSON line per event, in a file shared by all processes of a stack.

    {"event": "start"|"end"|"error", "thought_id", "agent", "attempt", "call_id", "pid", "time", "monotonic"}

`time` is in seconds since the epoch. Every paid call has a start. A call whose process died has neither an end nor an
error.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agents.scripted.starts import StartIndex


class CallLog:
    """Appends to a file that other processes may append to, rotate or delete at the same time. Thread-safe.

    Every method raises OSError when the file cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._file = -1
        self._starts = StartIndex()

    def append(self, event: Mapping[str, object]) -> None:
        """Write one line with a single write, because the kernel does not mix O_APPEND writes of several processes."""
        line = json.dumps(event).encode() + b"\n"
        with self._current_file() as file:
            written = os.write(file, line)
        if written != len(line):
            raise OSError(f"wrote only {written} of {len(line)} bytes to {self._path}")

    def start_number(self, thought_id: str, agent: str, call_id: str) -> int:
        """Return the number of a started call, from 1, among the calls of its thought and agent in all processes."""
        with self._current_file() as current_file:
            file, starts = os.dup(current_file), self._starts
        try:
            return starts.start_number(file, thought_id, agent, call_id)
        finally:
            os.close(file)

    @contextmanager
    def _current_file(self) -> Iterator[int]:
        with self._lock:
            if not self._is_current():
                self._open()
            yield self._file

    def _is_current(self) -> bool:
        """Return whether the path still leads to the open file. The inode number of an open file is not reused."""
        if self._file < 0:
            return False
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _open(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._starts = StartIndex()
