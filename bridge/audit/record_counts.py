"""How many records of a partition are what. Pure.

What is done stays done, so an account that is kept from one audit to the next goes on behind the first record that was
not: an audit every minute reads what is new and what is open, never the whole log.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.kafka.start_offset import PartitionOffsets
from contracts.audits import DONE_STATES, RECORD_STATES


@dataclass(slots=True)
class PartitionCounts:
    """One partition of one log. Below `proven` everything is done, and `done` counts it as it was then."""

    topic_id: str
    first: int
    done_below: int
    done: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    _next: int = 0
    _unbroken: bool = True

    @classmethod
    def of(cls, position: PartitionOffsets) -> "PartitionCounts":
        """An account that has counted nothing yet."""
        return cls(position.topic_id, position.low, position.low)

    def continues(self, position: PartitionOffsets) -> bool:
        """Whether this is still the same log: not made anew, and not shorter than what was counted."""
        return self.topic_id == position.topic_id and self.done_below <= position.high

    def begin(self) -> int:
        """Count again what was not done; returns the offset to read from."""
        self.open = Counter()
        self._next, self._unbroken = self.done_below, True
        return self.done_below

    def add(self, offset: int, state: str) -> None:
        """The next record, in the order of the log."""
        self._unbroken = self._unbroken and state in DONE_STATES
        kept = self.done if self._unbroken else self.open
        kept["gaps"] += offset - self._next
        kept[state] += 1
        self._next = offset + 1
        if self._unbroken:
            self.done_below = self._next

    def end(self, readable: int, high: int) -> None:
        """The log was read as far as it can be; its rest is withheld from every reader."""
        self.open["gaps"] += max(0, readable - self._next)
        self._next = max(readable, self._next)
        self.open["withheld"] += max(0, high - self._next)
        self._next = max(high, self._next)

    def figures(self, position: PartitionOffsets) -> dict[str, Any]:
        """As `contracts.audits` has them."""
        committed = position.committed.offset if position.committed else -1
        return {
            "partition": position.partition,
            "first": self.first,
            "end": self._next,
            "committed": committed,
            "lag": max(0, position.high - position.committed_below),
            "records": {state: self.done[state] + self.open[state] for state in RECORD_STATES},
        }


class RecordCounts:
    """The accounts of a topic's partitions."""

    def __init__(self) -> None:
        self._accounts: dict[int, PartitionCounts] = {}

    def __getitem__(self, partition: int) -> PartitionCounts:
        return self._accounts[partition]

    def begin(self, positions: list[PartitionOffsets]) -> Iterator[tuple[int, int, int]]:
        """(partition, first offset, end) of what is to be read now. An account of another log begins anew."""
        for position in positions:
            account = self._accounts.get(position.partition)
            if account is None or not account.continues(position):
                account = self._accounts[position.partition] = PartitionCounts.of(position)
            yield position.partition, account.begin(), position.high
