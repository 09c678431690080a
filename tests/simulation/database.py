"""The connections to PostgreSQL in memory, in place of SQLAlchemy's engine.

A statement, or its answer, may be lost. A statement may also arrive after its client has given up.
"""

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
from tests.simulation.fibers import Outcome, PossibleOutcomes, Process, park
from tests.simulation.postgres import Postgres
from tests.simulation.store import RefusedDataError

IDLE_TIMEOUT_SECONDS: Final = 12.0

READ_OUTCOMES: Final = PossibleOutcomes(
    "postgres", frozenset({Outcome.ANSWER_LATE, Outcome.ANSWER_LOST, Outcome.UNREACHABLE})
)
STATEMENT_OUTCOMES: Final = PossibleOutcomes("postgres", READ_OUTCOMES.outcomes | {Outcome.DELAYED})
CLAIM_OUTCOMES: Final = PossibleOutcomes("postgres", STATEMENT_OUTCOMES.outcomes | {Outcome.RACED})


class PostgresServer:
    """The server: available or not, with the one advisory lock that a transaction may hold."""

    def __init__(self, postgres: Postgres, now: Callable[[], float]) -> None:
        self.postgres = postgres
        self.now = now
        self.unavailable_since: float | None = None
        self.leader: Transaction | None = None
        self.delayed: list[Callable[[], object]] = []
        """Statements and commits whose clients have given up. Each is executed when it arrives."""

    def execute(self, process: Process, statement: TextClause, parameters: dict[str, Any]) -> list[Any]:
        """Execute one statement in autocommit mode. Raises SQLAlchemyError."""
        if "accept.lock" in self.postgres.disabled and statement is ACCEPT:
            parameters = parameters | self._early_turn(parameters)
        name = self.postgres.names[statement]
        outcome = park(name, CLAIM_OUTCOMES if statement is CLAIM else STATEMENT_OUTCOMES)
        self.require_reachable(outcome)
        if outcome is Outcome.DELAYED:
            self.delayed.append(lambda: self._execute_now(process, statement, parameters))
            self.time_out(name)
        if outcome is Outcome.RACED:
            return self._lose_race(process, statement, parameters)
        rows = self._execute_now(process, statement, parameters)
        self.deliver_answer(outcome, name)
        return rows

    def _execute_now(self, process: Process, statement: TextClause, parameters: dict[str, Any]) -> list[Any]:
        self.postgres.checks.current_process = process
        try:
            return self.postgres.execute(statement, parameters)
        except RefusedDataError as error:
            raise DBAPIError("a statement", None, error) from None

    def _lose_race(self, process: Process, claim: TextClause, parameters: dict[str, Any]) -> list[Any]:
        """Return the answer to a claim whose row another statement changed before it was locked: nothing is written."""
        rows = self._execute_now(process, claim, parameters | {"dispatch_id": -1, "max": 0})
        for row in rows:
            row.result = "again"
        return rows

    def deliver_delayed(self, number: int) -> bool:
        """Execute one of the delayed statements; return False when that is not possible."""
        if not self.delayed or self.unavailable_since is not None:
            return False
        self.postgres.checks.is_delayed_statement = True
        with suppress(SQLAlchemyError):  # no client waits for the error
            self.delayed.pop(number % len(self.delayed))()
        self.postgres.checks.is_delayed_statement = False
        return True

    def require_reachable(self, outcome: Outcome) -> None:
        """Raises OperationalError when the statement does not reach the server."""
        if outcome is Outcome.UNREACHABLE or self.unavailable_since is not None:
            raise OperationalError("a statement", None, ConnectionError("PostgreSQL is unavailable"))

    def time_out(self, name: str) -> None:
        """Wait until the statement times out. Raises OperationalError."""
        park(f"timeout of {name}", wake_at=self.now() + STATEMENT_SECONDS)
        raise OperationalError("a statement", None, TimeoutError("PostgreSQL did not answer"))

    def deliver_answer(self, outcome: Outcome, name: str) -> None:
        """Wait for an answer that is late. Raises OperationalError when it is lost."""
        if outcome is Outcome.ANSWER_LOST:
            raise OperationalError("a statement", None, ConnectionError("the answer was lost"))
        if outcome is Outcome.ANSWER_LATE:
            park(f"answer to {name}")

    def _early_turn(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the turn that a statement without the lock on the user's row takes at its start."""
        if parameters["id"] in self.postgres.tables.thoughts or parameters["user"] not in self.postgres.tables.users:
            return {}
        self.postgres.tables.users[parameters["user"]] += 1
        return {"_turn": self.postgres.tables.users[parameters["user"]]}


class SimulatedDatabase(Database):
    """A process's connections in autocommit mode."""

    def __init__(self, server: PostgresServer, process: Process) -> None:
        self._server = server
        self._process = process
        self.consecutive_failures = 0
        """How many of the last statements brought no answer."""

    def rows(self, statement: Executable, **parameters: Any) -> list[Any]:
        assert isinstance(statement, TextClause)
        self.consecutive_failures += 1
        rows = self._server.execute(self._process, statement, parameters)
        self.consecutive_failures = 0
        return rows


class SimulatedEngine:
    """The engine with which the relay opens its transactions."""

    def __init__(self, server: PostgresServer, process: Process) -> None:
        self._server = server
        self._process = process

    def execution_options(self, **_: Any) -> "SimulatedEngine":
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
    """Reads committed rows and writes at its end. The server ends it when it is idle for too long."""

    def __init__(self, server: PostgresServer, process: Process) -> None:
        self._server = server
        self._process = process
        self._writes: list[tuple[TextClause, dict[str, Any]]] = []
        self._active_at = server.now()
        self._is_delayed = False

    def execute(self, statement: TextClause, parameters: dict[str, Any]) -> Any:
        is_lock = statement is ACQUIRE_LEADERSHIP
        name = "acquire leadership" if is_lock else self._server.postgres.names[statement]
        outcome = park(name, READ_OUTCOMES)
        self._require_active(outcome)
        if is_lock:
            leads = self._try_lock()
            result: Any = SimpleNamespace(one=lambda: SimpleNamespace(leads=leads))
        elif statement.text.lstrip().startswith(("DELETE", "UPDATE", "WITH sent AS (DELETE")):
            self._writes.append((statement, parameters))
            result = []
        else:
            result = self._server.postgres.execute(statement, parameters)
        self._server.deliver_answer(outcome, name)
        return result

    def commit(self) -> None:
        """Execute all writes. Raises OperationalError when the answer is lost, or the server ended the transaction."""
        outcome = park("commit", STATEMENT_OUTCOMES)
        self._require_active(outcome)
        if outcome is Outcome.DELAYED:
            self._is_delayed = True
            self._server.delayed.append(self._commit_delayed)
            self._server.time_out("commit")
        self._write()
        self._server.deliver_answer(outcome, "commit")

    def end(self) -> None:
        """Release the lock, unless a delayed commit still holds it."""
        if self._server.leader is self and not self._is_delayed:
            self._server.leader = None

    def _write(self) -> None:
        for statement, parameters in self._writes:
            self._server.postgres.execute(statement, parameters)
        self._is_delayed = False
        self.end()

    def _commit_delayed(self) -> None:
        """Execute a delayed commit, unless the server has ended the transaction."""
        if not self._is_idle():
            self._write()

    def _require_active(self, outcome: Outcome) -> None:
        self._server.require_reachable(outcome)
        if self._has_ended():
            raise OperationalError("a statement", None, ConnectionError("idle-in-transaction timeout"))
        self._active_at = self._server.now()

    def _has_ended(self) -> bool:
        return self._is_idle() or (self._process.is_dead and not self._is_delayed)

    def _is_idle(self) -> bool:
        is_guarded = "relay.idle" not in self._server.postgres.disabled
        return is_guarded and self._server.now() - self._active_at > IDLE_TIMEOUT_SECONDS

    def _try_lock(self) -> bool:
        leader = self._server.leader
        if leader is not None and leader is not self and not leader._has_ended():
            return "relay.lock" in self._server.postgres.disabled
        self._server.leader = self
        return True
