"""Indexes the started calls of the call log, reading only the lines that were added since the last lookup.

The log of a benchmark has a hundred thousand lines: reading all of it for every call would distort the measurement.
"""

import json
import os
import threading
from typing import Any

_CHUNK = 1 << 20
_HEAD_SIZE = 200
_START_MARK = b'"start"'


class StartIndex:
    """The call ids of all start lines by thought and agent, in the order of the file. Thread-safe.

    It has a lock of its own, so that no write waits while a long log is read for the first time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._calls: dict[tuple[str, str], list[str]] = {}
        self._offset = 0
        self._head = b""

    def start_number(self, file: int, thought_id: str, agent: str, call_id: str) -> int:
        """Return the position, from 1, of the call's last start line among those of its thought and agent.

        Returns the number of all those start lines, but at least 1, when the call has none.
        """
        with self._lock:
            self._read_new_lines(file)
            return self._number(thought_id, agent, call_id)

    def _number(self, thought_id: str, agent: str, call_id: str) -> int:
        calls = self._calls.get((thought_id, agent), [])
        return next((n for n in range(len(calls), 0, -1) if calls[n - 1] == call_id), len(calls) or 1)

    def _read_new_lines(self, file: int) -> None:
        """Index the complete lines that were added since the last call; start over when the file was emptied."""
        if not self._has_same_head(file):
            self._reset()
        while chunk := self._complete_lines(file):
            self._offset += len(chunk)
            for line in chunk.splitlines():
                self._add_line(line)
        self._head = os.pread(file, min(_HEAD_SIZE, self._offset), 0)

    def _has_same_head(self, file: int) -> bool:
        """Return whether the file starts as before. The first line contains a call id, so a different start means that
        the file was emptied and written again."""
        return os.pread(file, len(self._head), 0) == self._head

    def _complete_lines(self, file: int) -> bytes:
        """Return the next lines up to the last line break; the rest is still being written by another process."""
        chunk = os.pread(file, _CHUNK, self._offset)
        return chunk[: chunk.rfind(b"\n") + 1]

    def _add_line(self, line: bytes) -> None:
        if _START_MARK not in line:
            return
        event = _parse_event(line)
        if event.get("event") == "start":
            key = (str(event.get("thought_id")), str(event.get("agent")))
            self._calls.setdefault(key, []).append(str(event.get("call_id")))


def _parse_event(line: bytes) -> dict[str, Any]:
    """Return the event of a line; empty when the line was cut short by a full disk or is not an event."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
