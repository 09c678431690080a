"""The way to PostgreSQL in memory, in place of the engine: a statement may be lost on its way there or back, or come
there when nobody waits for it any more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy import Executable, TextClause
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from bridge.relay.outbox import ACQUIRE_LEADERSHIP
from contracts.accept import ACCEPT
from contracts.database import STATEMENT_SECONDS, Database
from tasks.statements import CLAIM
from tests.simulation.fibers import Fate, Means, Process, park
from tests.simulation.postgres import Postgres
from tests.simulation.store import RefusedDataError

IDLE_SECONDS: Final = 12.0

READ: Final = Means("postgres", frozenset({Fate.LATE, Fate.LOST, Fate.AWAY}))
ASKED: Final = Means("postgres", READ.fates | {Fate.DELAYED})
CLAIMED: Final = Means("postgres", ASKED.fates | {Fate.RACED})


class Server:
    """PostgreSQL as its clients meet it: reachable or not, and with one lock that a transaction may hold."""

    def __init__(self, postgres: Postgres, now: Callable[[], float]) -> None:
        self.postgres = postgres
        self.now = now
        self.away_since: float | None = None
        self.leader: Transaction | None = None
        self.under_way: list[Callable[[], object]] = []
        """Statements and commits that nobody waits for any more, and that are executed when they arrive."""

    def ask(self, process: Process, statement: TextClause, parameters: dict[str, Any]) -> list[Any]:
        """One statement. Raises SQLAlchemyError."""
        if "accept.lock" in self.postgres.off and statement is ACCEPT:
            parameters = parameters | self._early_turn(parameters)
        name = self.postgres.names[statement]
        fate = park(name, CLAIMED if statement is CLAIM else ASKED)
        self.reach(fate)
        if fate is Fate.DELAYED:
            self.under_way.append(lambda: self._execute(process, statement, parameters))
            self.give_up(name)
        if fate is Fate.RACED:
            return self._raced(process, statement, parameters)
        rows = self._execute(process, statement, parameters)
        self.answer(fate, name)
        return rows

    def _execute(self, process: Process, statement: TextClause, parameters: dict[str, Any]) -> list[Any]:
        self.postgres.promise.asker = process
        try:
            return self.postgres.execute(statement, parameters)
        except RefusedDataError as refused:
            raise DBAPIError("a statement", None, refused) from None

    def _raced(self, process: Process, claim: TextClause, parameters: dict[str, Any]) -> list[Any]:
        """A claim whose row another statement had changed when it was locked: nothing is written."""
        rows = self._execute(process, claim, parameters | {"token": -1, "max": 0})
        for row in rows:
            row.verdict = "again"
        return rows

    def arrive(self, number: int) -> bool:
        """One of the statements that are under way is executed, whoever had sent it."""
        if not self.under_way or self.away_since is not None:
            return False
        with suppress(SQLAlchemyError):  # nobody hears it
            self.under_way.pop(number % len(self.under_way))()
        return True

    def reach(self, fate: Fate) -> None:
        """Raises OperationalError when the statement does not get there."""
        if fate is Fate.AWAY or self.away_since is not None:
            raise OperationalError("a statement", None, ConnectionError("PostgreSQL is unavailable"))

    def give_up(self, name: str) -> None:
        """Wait for as long as a statement may take. Raises OperationalError."""
        park(f"end of the wait for {name}", wake=self.now() + STATEMENT_SECONDS)
        raise OperationalError("a statement", None, TimeoutError("PostgreSQL did not answer"))

    def answer(self, fate: Fate, name: str) -> None:
        """Raises OperationalError when the answer does not come back."""
        if fate is Fate.LOST:
            raise OperationalError("a statement", None, ConnectionError("the answer was lost"))
        if fate is Fate.LATE:
            park(f"answer to {name}")

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
        self.unanswered = 0
        """The last statements, one after the other, that brought no answer."""

    def rows(self, statement: Executable, **parameters: Any) -> list[Any]:
        assert isinstance(statement, TextClause)
        self.unanswered += 1
        rows = self._server.ask(self._process, statement, parameters)
        self.unanswered = 0
        return rows


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
        self._is_under_way = False

    def execute(self, statement: TextClause, parameters: dict[str, Any]) -> Any:
        name = "lead" if statement is ACQUIRE_LEADERSHIP else self._server.postgres.names[statement]
        fate = park(name, READ)
        self._alive(fate)
        if statement is ACQUIRE_LEADERSHIP:
            leads = self._lead()
            found: Any = SimpleNamespace(one=lambda: SimpleNamespace(leads=leads))
        elif statement.text.lstrip().startswith(("DELETE", "UPDATE")):
            self._writes.append((statement, parameters))
            found = []
        else:
            found = self._server.postgres.execute(statement, parameters)
        self._server.answer(fate, name)
        return found

    def commit(self) -> None:
        """All writes at once. Raises OperationalError when the answer is lost, or the transaction is no more."""
        fate = park("commit", ASKED)
        self._alive(fate)
        if fate is Fate.DELAYED:
            self._is_under_way = True
            self._server.under_way.append(self._arrived)
            self._server.give_up("commit")
        self._write()
        self._server.answer(fate, "commit")

    def end(self) -> None:
        """Let go of the lock; but who only does not wait any more still holds it."""
        if self._server.leader is self and not self._is_under_way:
            self._server.leader = None

    def _write(self) -> None:
        for statement, parameters in self._writes:
            self._server.postgres.execute(statement, parameters)
        self._is_under_way = False
        self.end()

    def _arrived(self) -> None:
        """The commit is there, unless the server has ended the transaction meanwhile."""
        if not self._is_idle():
            self._write()

    def _alive(self, fate: Fate) -> None:
        self._server.reach(fate)
        if self._is_ended():
            raise OperationalError("a statement", None, ConnectionError("idle-in-transaction timeout"))
        self._heard = self._server.now()

    def _is_ended(self) -> bool:
        return self._is_idle() or (self._process.dead and not self._is_under_way)

    def _is_idle(self) -> bool:
        return "relay.idle" not in self._server.postgres.off and self._server.now() - self._heard > IDLE_SECONDS

    def _lead(self) -> bool:
        holder = self._server.leader
        if holder is not None and holder is not self and not holder._is_ended():
            return "relay.lock" in self._server.postgres.off
        self._server.leader = self
        return True
