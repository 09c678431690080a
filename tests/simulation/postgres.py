"""PostgreSQL in memory, at the very place where the code hands over its SQL: one method a statement.

A statement is known by its constant and asked with the same parameters as the real one, and answers rows with the
same columns; `test_model.py` holds the two against each other.
"""

from collections.abc import Callable

from sqlalchemy import TextClause

from tests.simulation.promise import Promise
from tests.simulation.sql_accept import Accepting
from tests.simulation.sql_batches import Batching
from tests.simulation.sql_decide import Deciding
from tests.simulation.sql_letters import Letters
from tests.simulation.sql_relay import Relaying
from tests.simulation.sql_worker import Working
from tests.simulation.store import Parameters, Rows, Store


class Postgres(Store):
    """The rows and all the statements."""

    def __init__(self, clock: Callable[[], float], promise: Promise, off: frozenset[str] = frozenset()) -> None:
        super().__init__(clock, promise, off)
        parts = (Accepting(self), Deciding(self), Working(self), Letters(self), Relaying(self), Batching(self))
        self._statements: dict[TextClause, Callable[[Parameters], Rows]] = {}
        for part in parts:
            self._statements.update(part.statements())
        self.names = {one: does.__name__.strip("_").replace("_", " ") for one, does in self._statements.items()}
        """What a statement is called in a history."""

    def execute(self, statement: TextClause, parameters: Parameters) -> Rows:
        """Run one statement, whole and at once. Raises RefusedDataError."""
        return self._statements[statement](parameters)
