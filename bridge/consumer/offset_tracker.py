"""Tracks a partition's open offsets, and its frontier: the offset that may be committed."""

from collections import deque
from typing import Final

MAX_CLOSED_BEHIND_GAP: Final = 1_000
"""Closed offsets behind an open one are removed from memory when they are more than this number plus the open ones."""


class OffsetTracker:
    """Holds the offsets that were read and are not done, in the order of the log.

    The frontier is the lowest of them, so a commit never covers an open offset.
    """

    def __init__(self, start: int) -> None:
        self._next = start
        self._order: deque[int] = deque()
        self._open: dict[int, int] = {}
        self._bytes = 0

    def open(self, offset: int, size: int = 0) -> None:
        """Note that a record of `size` bytes was read at this offset. Offsets must rise within an assignment."""
        self._order.append(offset)
        self._open[offset] = size
        self._bytes += size
        self._next = offset + 1

    def advance_to(self, offset: int) -> None:
        """Note that the log was read up to this offset, and that the offsets below without a record have none."""
        self._next = max(self._next, offset)

    def close(self, offset: int) -> None:
        """Note that this offset is done. An offset that is not open is ignored."""
        self._bytes -= self._open.pop(offset, 0)
        while self._order and self._order[0] not in self._open:
            self._order.popleft()
        if len(self._order) > 2 * len(self._open) + MAX_CLOSED_BEHIND_GAP:
            self._order = deque(offset for offset in self._order if offset in self._open)

    @property
    def frontier(self) -> int:
        """The lowest open offset, or the next one to read if none is open. Everything below it is done."""
        return self._order[0] if self._order else self._next

    @property
    def next(self) -> int:
        """The next offset to read."""
        return self._next

    @property
    def bytes(self) -> int:
        """The size of the records at open offsets, in bytes."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._open)
