"""Counts the records of each partition by state. Pure.

A record that is done stays done. Counts that are kept between audits therefore continue after the leading run of done
records: an audit every minute reads what is new and what was open, never the whole log.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.kafka.start_offset import PartitionOffsets
from contracts.audits import DONE_STATES, RECORD_STATES


@dataclass(slots=True)
class PartitionCounts:
    """The counts of one partition of one log.

    Every record below `done_below` is done; `done` keeps the state that it had when it was counted, also after it has
    expired. `open` holds the counts from there on, of the current pass only.
    """

    topic_id: str
    first: int
    done_below: int
    done: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    _next: int = 0
    _only_done_so_far: bool = True

    @classmethod
    def empty(cls, position: PartitionOffsets) -> "PartitionCounts":
        """Create counts that start at the partition's earliest offset."""
        return cls(position.topic_id, position.low, position.low)

    def is_same_log(self, position: PartitionOffsets) -> bool:
        """Return whether the topic was not recreated and its log still reaches what was counted."""
        return self.topic_id == position.topic_id and self.done_below <= position.high

    def start_pass(self) -> int:
        """Forget the counts of `open` and return the offset to read from."""
        self.open = Counter()
        self._next, self._only_done_so_far = self.done_below, True
        return self.done_below

    def add(self, offset: int, state: str) -> None:
        """Count the next record; records come in the order of the log, and missing offsets count as gaps."""
        self._only_done_so_far = self._only_done_so_far and state in DONE_STATES
        counter = self.done if self._only_done_so_far else self.open
        counter["gaps"] += offset - self._next
        counter[state] += 1
        self._next = offset + 1
        if self._only_done_so_far:
            self.done_below = self._next

    def end_pass(self, readable: int, high: int) -> None:
        """Count the rest: gaps up to `readable`, then offsets up to `high` that Kafka withholds from every reader."""
        self.open["gaps"] += max(0, readable - self._next)
        self._next = max(readable, self._next)
        self.open["withheld"] += max(0, high - self._next)
        self._next = max(high, self._next)

    def figures(self, position: PartitionOffsets) -> dict[str, Any]:
        """Return the partition's figures as `contracts.audits` describes them."""
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
    """The counts of all partitions of a topic."""

    def __init__(self) -> None:
        self._by_partition: dict[int, PartitionCounts] = {}

    def __getitem__(self, partition: int) -> PartitionCounts:
        return self._by_partition[partition]

    def start_pass(self, positions: list[PartitionOffsets]) -> Iterator[tuple[int, int, int]]:
        """Yield (partition, first offset, end) of what is to be read now; counts of another log start again."""
        for position in positions:
            counts = self._by_partition.get(position.partition)
            if counts is None or not counts.is_same_log(position):
                counts = self._by_partition[position.partition] = PartitionCounts.empty(position)
            yield position.partition, counts.start_pass(), position.high
