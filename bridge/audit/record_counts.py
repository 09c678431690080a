"""How many records of a partition are what. Pure.

What is done stays done, so an account that is kept from one audit to the next goes on behind the first record that was
not: an audit every minute reads what is new and what is open, never the whole log.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.kafka.start_offset import Position
from contracts.audits import DONE, STATES


@dataclass(slots=True)
class Account:
    """One partition of one log. Below `proven` everything is done, and `done` counts it as it was then."""

    topic_id: str
    first: int
    proven: int
    done: Counter[str] = field(default_factory=Counter)
    tail: Counter[str] = field(default_factory=Counter)
    _next: int = 0
    _unbroken: bool = True

    @classmethod
    def of(cls, position: Position) -> "Account":
        """An account that has counted nothing yet."""
        return cls(position.topic_id, position.low, position.low)

    def goes_on_with(self, position: Position) -> bool:
        """Whether this is still the same log: not made anew, and not shorter than what was counted."""
        return self.topic_id == position.topic_id and self.proven <= position.high

    def begin(self) -> int:
        """Count again what was not done; returns the offset to read from."""
        self.tail = Counter()
        self._next, self._unbroken = self.proven, True
        return self.proven

    def count(self, offset: int, state: str) -> None:
        """The next record, in the order of the log."""
        self._unbroken = self._unbroken and state in DONE
        kept = self.done if self._unbroken else self.tail
        kept["gaps"] += offset - self._next
        kept[state] += 1
        self._next = offset + 1
        if self._unbroken:
            self.proven = self._next

    def end(self, readable: int, high: int) -> None:
        """The log was read as far as it can be; its rest is withheld from every reader."""
        self.tail["gaps"] += max(0, readable - self._next)
        self._next = max(readable, self._next)
        self.tail["withheld"] += max(0, high - self._next)
        self._next = max(high, self._next)

    def figures(self, position: Position) -> dict[str, Any]:
        """As `contracts.audits` has them."""
        committed = position.committed.offset if position.committed else -1
        return {
            "partition": position.partition,
            "first": self.first,
            "end": self._next,
            "committed": committed,
            "lag": max(0, position.high - position.done_below),
            "records": {state: self.done[state] + self.tail[state] for state in STATES},
        }


class Accounts:
    """The accounts of a topic's partitions."""

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}

    def __getitem__(self, partition: int) -> Account:
        return self._accounts[partition]

    def begin(self, positions: list[Position]) -> Iterator[tuple[int, int, int]]:
        """(partition, first offset, end) of what is to be read now. An account of another log begins anew."""
        for position in positions:
            account = self._accounts.get(position.partition)
            if account is None or not account.goes_on_with(position):
                account = self._accounts[position.partition] = Account.of(position)
            yield position.partition, account.begin(), position.high
