"""The calls begun so far, as the call log tells them, read on from where the last look ended.

A log of a bench has a hundred thousand lines: reading it whole for every call would be the bench's own load.
"""

import json
import os
import threading
from typing import Any

_CHUNK = 1 << 20
_HEAD = 200
_MARK = b'"start"'


class StartIndex:
    """The call ids of all start lines by thought and agent, in the order of the file. Safe for threads.

    Its lock is its own, so that nobody waits to write while a long log is read for the first time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._calls: dict[tuple[str, str], list[str]] = {}
        self._offset = 0
        self._head = b""

    def start_number(self, file: int, thought_id: str, agent: str, call_id: str) -> int:
        """The place, from 1, of the call's last start line among those of its thought and agent; 1 without one."""
        with self._lock:
            self._read_new_lines(file)
            return self._number(thought_id, agent, call_id)

    def _number(self, thought_id: str, agent: str, call_id: str) -> int:
        calls = self._calls.get((thought_id, agent), [])
        return next((n for n in range(len(calls), 0, -1) if calls[n - 1] == call_id), len(calls) or 1)

    def _read_new_lines(self, file: int) -> None:
        """Take in every complete line that came since the last time; begin anew if the file was emptied meanwhile."""
        if not self._is_continued(file):
            self._reset()
        while chunk := self._complete_lines(file):
            self._offset += len(chunk)
            for line in chunk.splitlines():
                self._add_line(line)
        self._head = os.pread(file, min(_HEAD, self._offset), 0)

    def _is_continued(self, file: int) -> bool:
        """The first line holds a call id, so another beginning means another content, however long it is by now."""
        return os.pread(file, len(self._head), 0) == self._head

    def _complete_lines(self, file: int) -> bytes:
        """The next lines up to the last line's end; what follows is still being written by another process."""
        chunk = os.pread(file, _CHUNK, self._offset)
        return chunk[: chunk.rfind(b"\n") + 1]

    def _add_line(self, line: bytes) -> None:
        if _MARK not in line:
            return
        event = _event(line)
        if event.get("event") == "start":
            key = (str(event.get("thought_id")), str(event.get("agent")))
            self._calls.setdefault(key, []).append(str(event.get("call_id")))


def _event(line: bytes) -> dict[str, Any]:
    """The event of a line; empty for a line cut short by a full disk or written by somebody else."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
