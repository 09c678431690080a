"""The contiguous frontier of a partition: what may be committed."""

from collections import deque
from typing import Final

MAX_CLOSED_BEHIND_GAP: Final = 1_000
"""Closed offsets behind an open one are swept out once there are more of them than this and than the open ones."""


class OffsetTracker:
    """Offsets read and not yet done, in the order of the log. Nothing past a gap is ever in the frontier."""

    def __init__(self, start: int) -> None:
        self._next = start
        self._order: deque[int] = deque()
        self._open: dict[int, int] = {}
        self._bytes = 0

    def open(self, offset: int, size: int = 0) -> None:
        """A record of so many bytes was read at this offset; offsets only rise within an assignment."""
        self._order.append(offset)
        self._open[offset] = size
        self._bytes += size
        self._next = offset + 1

    def advance_to(self, offset: int) -> None:
        """Below this offset there is nothing more to be read."""
        self._next = max(self._next, offset)

    def close(self, offset: int) -> None:
        """This offset is done."""
        self._bytes -= self._open.pop(offset, 0)
        while self._order and self._order[0] not in self._open:
            self._order.popleft()
        if len(self._order) > 2 * len(self._open) + MAX_CLOSED_BEHIND_GAP:
            self._order = deque(one for one in self._order if one in self._open)

    @property
    def frontier(self) -> int:
        """The smallest open offset, else the next one to read: everything below it is done."""
        return self._order[0] if self._order else self._next

    @property
    def next(self) -> int:
        """The offset from which on nothing was read yet."""
        return self._next

    @property
    def bytes(self) -> int:
        """How large the records at the open offsets are."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._open)
