"""What all statements of the simulated PostgreSQL share: the rows, the clock, the outbox and the row locks."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import TextClause

from tests.simulation.invariant_checks import InvariantChecks
from tests.simulation.tables import OutboxRow, Tables

Parameters = Mapping[str, Any]
Rows = list[Any]
Statements = Mapping[TextClause, Callable[[Parameters], Rows]]


class RefusedDataError(Exception):
    """Raised when PostgreSQL cannot store a value; production code recognises it by its SQLSTATE."""

    pgcode = "22021"


UNSTORABLE: Final = "unstorable"
"""A text, or the version of a result, that stands for data which PostgreSQL refuses."""


class Store:
    """The committed rows. `clock` is the server's wall clock and may jump; `disabled` names the removed guards."""

    def __init__(self, clock: Callable[[], float], checks: InvariantChecks, disabled: frozenset[str]) -> None:
        self.clock = clock
        self.checks = checks
        self.disabled = disabled
        self.tables = Tables()
        self.locked: set[Any] = set()
        """Thoughts whose rows another statement has locked."""
        self.swapped_ids: list[int] = []
        """The next outbox ids, the larger one first: its row commits before the row with the smaller id."""
        self._last_outbox_id = 0

    def add_outbox_row(
        self,
        topic: str,
        key: str | None,
        turn: int | None,
        value: bytes | None,
        failure_id: str | None = None,
        headers: Any = None,
    ) -> int:
        """Insert an outbox row and return its id. Ids are given before the commit, so rows may appear out of order."""
        self.checks.outbox_row_added(topic)
        if self.swapped_ids:
            row_id = self.swapped_ids.pop(0)
        else:
            self._last_outbox_id += 1
            row_id = self._last_outbox_id
        self.tables.outbox[row_id] = OutboxRow(row_id, topic, key, turn, failure_id, value, headers)
        return row_id

    def swap_next_ids(self) -> None:
        """Make the next two outbox rows appear in the reverse order of their ids."""
        self._last_outbox_id += 2
        self.swapped_ids = [self._last_outbox_id, self._last_outbox_id - 1]
