"""PostgreSQL in memory: one method for each SQL statement of the code.

A statement is recognised by its constant. It takes the parameters of the real one and returns rows with the same
columns; `test_model.py` compares both.
"""

from collections.abc import Callable

from sqlalchemy import TextClause

from tests.simulation.invariant_checks import InvariantChecks
from tests.simulation.sql_accept import AcceptStatements
from tests.simulation.sql_author import AuthorStatements
from tests.simulation.sql_batches import BatchStatements
from tests.simulation.sql_dead_letters import DeadLetterStatements
from tests.simulation.sql_decide import DecideStatement
from tests.simulation.sql_joining import JoinStatements
from tests.simulation.sql_relay import RelayStatements
from tests.simulation.sql_worker import WorkerStatements
from tests.simulation.store import Parameters, Rows, Store


class Postgres(Store):
    """The rows, and all statements."""

    def __init__(
        self, clock: Callable[[], float], checks: InvariantChecks, disabled: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(clock, checks, disabled)
        parts = (
            AcceptStatements(self),
            AuthorStatements(self),
            DecideStatement(self),
            WorkerStatements(self),
            DeadLetterStatements(self),
            RelayStatements(self),
            BatchStatements(self),
            JoinStatements(self),
        )
        self._methods: dict[TextClause, Callable[[Parameters], Rows]] = {}
        for part in parts:
            self._methods.update(part.statements())
        self.names = {
            statement: method.__name__.strip("_").replace("_", " ") for statement, method in self._methods.items()
        }
        """The name of each statement in a history."""

    def execute(self, statement: TextClause, parameters: Parameters) -> Rows:
        """Execute one statement as a whole. Raises RefusedDataError."""
        return self._methods[statement](parameters)
