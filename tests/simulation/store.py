"""The rows of PostgreSQL in memory, and what all its statements share: the clock, the outbox, and who has a row locked.

`off` names guards that a mutation has switched off.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import TextClause

from tests.simulation.promise import Promise
from tests.simulation.rows import OutboxRow, Tables

Parameters = Mapping[str, Any]
Rows = list[Any]
Statements = Mapping[TextClause, Callable[[Parameters], Rows]]


class RefusedDataError(Exception):
    """What PostgreSQL says to data that it cannot hold; the code knows it by its SQLSTATE."""

    pgcode = "22021"


UNSTORABLE: Final = "unstorable"
"""A text or a result's version that stands for data which PostgreSQL refuses."""


class Store:
    """What is committed. `clock` is the server's wall clock and may jump."""

    def __init__(self, clock: Callable[[], float], promise: Promise, off: frozenset[str]) -> None:
        self.clock = clock
        self.promise = promise
        self.off = off
        self.tables = Tables()
        self.locked: set[Any] = set()
        """Thoughts whose rows somebody else has locked."""
        self.delayed_ids: list[int] = []
        """Outbox ids that were given to a statement which commits later than its successors."""
        self._next_outbox_id = 0

    def tell(
        self,
        topic: str,
        key: str | None,
        turn: int | None,
        value: bytes | None,
        failure_id: str | None = None,
        headers: Any = None,
    ) -> int:
        """An outbox row. Ids are given before the commit, so a later row may be seen first."""
        self.promise.told(topic)
        if self.delayed_ids:
            number = self.delayed_ids.pop(0)
        else:
            self._next_outbox_id += 1
            number = self._next_outbox_id
        self.tables.outbox[number] = OutboxRow(number, topic, key, turn, failure_id, value, headers)
        return number

    def delay_an_id(self) -> None:
        """The next row but one gets an id that is smaller than the next one's."""
        self._next_outbox_id += 2
        self.delayed_ids = [self._next_outbox_id, self._next_outbox_id - 1]
