"""The way to PostgreSQL in memory, in place of the engine: each statement may be lost on its way there or back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Executable, TextClause
from sqlalchemy.exc import DBAPIError, OperationalError

from bridge.outbox import LEAD
from contracts.accept import ACCEPT
from contracts.database import Database
from tests.simulation.fibers import Fate, Process, park
from tests.simulation.postgres import Postgres
from tests.simulation.store import RefusedDataError

IDLE_SECONDS: Final = 12.0


class Server:
    """PostgreSQL as its clients meet it: reachable or not, and with one lock that a transaction may hold."""

    def __init__(self, postgres: Postgres, now: Callable[[], float]) -> None:
        self.postgres = postgres
        self.now = now
        self.away_since: float | None = None
        self.leader: Transaction | None = None

    def ask(self, process: Process, statement: TextClause, parameters: dict[str, Any]) -> list[Any]:
        """One statement. Raises SQLAlchemyError."""
        if "accept.lock" in self.postgres.off and statement is ACCEPT:
            parameters = parameters | self._early_turn(parameters)
        fate = park("statement")
        self.reach(fate)
        promise = self.postgres.promise
        promise.asker = process
        try:
            rows = self.postgres.execute(statement, parameters)
        except RefusedDataError as refused:
            raise DBAPIError("a statement", None, refused) from None
        self.answer(fate)
        return rows

    def reach(self, fate: Fate) -> None:
        """Raises OperationalError when the statement does not get there."""
        if fate is Fate.AWAY or self.away_since is not None:
            raise OperationalError("a statement", None, ConnectionError("PostgreSQL is away"))

    def answer(self, fate: Fate) -> None:
        """Raises OperationalError when the answer does not come back."""
        if fate is Fate.LOST:
            raise OperationalError("a statement", None, ConnectionError("the answer was lost"))
        if fate is Fate.LATE:
            park("answer")

    def _early_turn(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Without the lock on the user's row turns are given in the order of the beginnings."""
        if parameters["id"] in self.postgres.tables.thoughts or parameters["user"] not in self.postgres.tables.users:
            return {}
        self.postgres.tables.users[parameters["user"]] += 1
        return {"_turn": self.postgres.tables.users[parameters["user"]]}


class Door(Database):
    """A process's connections in autocommit mode."""

    def __init__(self, server: Server, process: Process) -> None:
        self._server = server
        self._process = process

    def rows(self, statement: Executable, **parameters: Any) -> list[Any]:
        assert isinstance(statement, TextClause)
        return self._server.ask(self._process, statement, parameters)


class Engine:
    """What the relay makes its transactions with."""

    def __init__(self, server: Server, process: Process) -> None:
        self._server = server
        self._process = process

    def execution_options(self, **_: Any) -> "Engine":
        return self

    @contextmanager
    def begin(self) -> Iterator["Transaction"]:
        transaction = Transaction(self._server, self._process)
        try:
            yield transaction
            transaction.commit()
        finally:
            transaction.end()


class Transaction:
    """Reads what is committed, writes at its end, and is ended by the server when it says nothing for too long."""

    def __init__(self, server: Server, process: Process) -> None:
        self._server = server
        self._process = process
        self._writes: list[tuple[TextClause, dict[str, Any]]] = []
        self._heard = server.now()

    def execute(self, statement: TextClause, parameters: dict[str, Any]) -> Any:
        fate = park("statement")
        self._alive(fate)
        if statement is LEAD:
            leads = self._lead()
            found: Any = SimpleNamespace(one=lambda: SimpleNamespace(leads=leads))
        elif statement.text.lstrip().startswith(("DELETE", "UPDATE")):
            self._writes.append((statement, parameters))
            found = []
        else:
            found = self._server.postgres.execute(statement, parameters)
        self._server.answer(fate)
        return found

    def commit(self) -> None:
        """All writes at once. Raises OperationalError when the answer is lost, or the transaction is no more."""
        fate = park("commit")
        self._alive(fate)
        for statement, parameters in self._writes:
            self._server.postgres.execute(statement, parameters)
        self.end()
        self._server.answer(fate)

    def end(self) -> None:
        """Let go of the lock."""
        if self._server.leader is self:
            self._server.leader = None

    def _alive(self, fate: Fate) -> None:
        self._server.reach(fate)
        if self._is_ended():
            raise OperationalError("a statement", None, ConnectionError("idle-in-transaction timeout"))
        self._heard = self._server.now()

    def _is_ended(self) -> bool:
        idle = "relay.idle" not in self._server.postgres.off and self._server.now() - self._heard > IDLE_SECONDS
        return idle or self._process.dead

    def _lead(self) -> bool:
        holder = self._server.leader
        if holder is not None and holder is not self and not holder._is_ended():
            return "relay.lock" in self._server.postgres.off
        self._server.leader = self
        return True
