"""Connects every process to PostgreSQL: a bounded pool, one statement per round trip, and a deadline for every wait.

libpq has no read timeout, so without a deadline a statement would wait forever when the network drops its packets.
psycopg2's wait callback therefore gives every round trip a deadline. psycopg2 has one callback per process, so each
connection carries its own deadline. The callback waits with `select.poll`, which gevent replaces in the web process.
"""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg2
from psycopg2 import extensions, extras
from sqlalchemy import Engine, Executable, Pool, PoolProxiedConnection, TextClause, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from contracts import prepared
from contracts.database_session import STATEMENT_SECONDS as STATEMENT_SECONDS
from contracts.database_session import session_arguments
from contracts.prepared import UnstorableValueError
from contracts.refusals import Trouble, postgres_refusal
from contracts.sqlstate import is_data_error, spoils_connection

POOL_SIZE: Final = 8
"""Connections per process: three bridges, three workers, web, relay and beat stay well below PostgreSQL's 100."""

INDEX_PLANS_ONLY: Final = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
"""Options that make the planner prefer indexes. A prepared plan is kept, so one that was made while a table was small
would scan the whole table until the next ANALYZE."""

Row = Any
"""A named tuple with one field per column, SQLAlchemy's or psycopg2's."""

_POLL_EVENTS: Final = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def make_engine(
    url: str,
    name: str,
    *,
    statement_seconds: float = STATEMENT_SECONDS,
    connections: int = POOL_SIZE,
    index_plans_only: bool = False,
) -> Engine:
    """Return an engine in autocommit mode at READ COMMITTED. It connects at the first statement.

    With autocommit a stopped process cannot hold a row lock. `name` is shown in pg_stat_activity. `index_plans_only` is
    for processes that run for a long time and read few rows at a time: no plan scans a whole table where an index fits.
    """
    extensions.set_wait_callback(_wait)
    extras.register_uuid()
    timeout_ms = int(statement_seconds * 800)
    arguments = session_arguments(
        url,
        name,
        statement_timeout_ms=timeout_ms,
        connect_seconds=max(2, int(statement_seconds)),
        round_trip_seconds=statement_seconds,
        planner=INDEX_PLANS_ONLY if index_plans_only else "",
    )
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=statement_seconds,
        pool_use_lifo=True,
        connect_args=arguments,
    )
    event.listen(engine, "handle_error", _classify)
    return engine


def make_migration_engine(url: str) -> Engine:
    """Return an engine for migrations, whose statements have no time limit. It connects at the first statement."""
    return create_engine(url, hide_parameters=True, connect_args=session_arguments(url, "migrations"))


def _classify(context: ExceptionContext) -> None:
    """Let SQLAlchemy replace the connections of the pool after an error that their state may have caused.

    Raises DataError for a value that the driver cannot send, which SQLAlchemy would raise as it is.
    """
    error = context.original_exception
    if isinstance(error, ValueError):
        unstorable = UnstorableValueError(f"a value cannot be sent to PostgreSQL ({type(error).__name__})")
        raise DataError(None, None, unstorable) from error
    if spoils_connection(getattr(error, "pgcode", None)):
        context.is_disconnect = True


def is_rejected_data(error: Exception) -> bool:
    """Return whether PostgreSQL rejected the data itself (SQLSTATE class 22 or 23), so that a retry cannot succeed."""
    return isinstance(error, DBAPIError) and is_data_error(getattr(error.orig, "pgcode", None))


def describe_error(error: Exception) -> str:
    """Return one line for a log: the first line of the driver's message, and the SQLSTATE if there is one.

    For a SQLSTATE of class 42, which means that the schema does not match the code, it says what to do; for a refusal
    it names the right that is missing.
    """
    if (refusal := postgres_refusal(error)) is not None:
        return refusal.detail
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "pgcode", None)
    line = str(cause).strip().partition("\n")[0] or type(cause).__name__
    advice = "; run `alembic upgrade head`, the schema does not match this release" if str(code)[:2] == "42" else ""
    advice += ", or GRANT USAGE ON SCHEMA public TO <its user>" if code == "42P01" else ""
    return f"{line} ({code}){advice}" if code else line


def database_trouble(error: Exception) -> Trouble:
    """Return what is wrong with PostgreSQL, for `contracts.trouble_log`."""
    unavailable = "PostgreSQL is unavailable or rejects the statement"
    return postgres_refusal(error) or Trouble(unavailable, describe_error(error), is_refusal=False)


@contextmanager
def exit_on_database_error() -> Iterator[None]:
    """End a command with one line when PostgreSQL is unavailable or rejects a statement."""
    try:
        yield
    except SQLAlchemyError as error:
        raise SystemExit(f"PostgreSQL is unavailable, run the command again: {describe_error(error)}") from None


class Database:
    """Executes single statements, each committed immediately. Statements written with `text()` are prepared."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def rows(self, statement: Executable, **parameters: Any) -> list[Row]:
        """Execute one statement and return all its rows.

        Raises SQLAlchemyError when PostgreSQL is unavailable or rejects the statement. Every statement of the protocol
        may be repeated after that.
        """
        if isinstance(statement, TextClause):
            return self._prepared_rows(statement, parameters)
        with self.engine.connect() as connection:
            return list(connection.execute(statement, parameters))

    def row(self, statement: Executable, **parameters: Any) -> Row | None:
        """Execute one statement and return its first row, or None. Raises SQLAlchemyError as `rows` does."""
        return next(iter(self.rows(statement, **parameters)), None)

    def _prepared_rows(self, statement: TextClause, parameters: Mapping[str, Any]) -> list[Row]:
        """Execute with the driver's own cursor: SQLAlchemy's result layer doubled the time of a statement."""
        pool, connection = self.engine.pool, None
        try:
            connection = pool.connect()
            with _single_deadline(connection.dbapi_connection):
                return prepared.execute_prepared(connection, statement, parameters)
        except psycopg2.Error as error:
            raise self._as_sqlalchemy_error(error, pool, connection) from error
        finally:
            if connection is not None:
                _return_to_pool(connection)

    def _as_sqlalchemy_error(
        self, error: psycopg2.Error, pool: Pool, connection: PoolProxiedConnection | None
    ) -> DBAPIError:
        """Convert the driver's error. As in SQLAlchemy, a lost connection invalidates all connections of the pool."""
        is_lost = spoils_connection(error.pgcode) or self.engine.dialect.is_disconnect(error, connection, None)
        if is_lost and connection is not None:
            pool._invalidate(connection, error)  # noqa: SLF001  a new pool would leave the old pool's connections open
        converted: DBAPIError = DBAPIError.instance(
            None, None, error, psycopg2.Error, connection_invalidated=is_lost, dialect=self.engine.dialect
        )
        return converted


def _return_to_pool(connection: PoolProxiedConnection) -> None:
    """Return a connection to the pool. A wait that a signal interrupted has closed it, and the pool would fail to roll
    back on it, so a closed connection is discarded."""
    driver_connection = connection.dbapi_connection
    if driver_connection is not None and driver_connection.closed:
        connection.invalidate()
    connection.close()


@contextmanager
def _single_deadline(connection: Any) -> Iterator[None]:
    """Apply one deadline to all round trips of a statement: one that is prepared first may take two."""
    connection.deadline = time.monotonic() + connection.seconds
    try:
        yield
    finally:
        connection.deadline = None


def _wait(connection: Any) -> None:
    """Wait for one round trip. Connections that `make_engine` did not open have the default deadline.

    Raises psycopg2.OperationalError when the deadline passes.
    """
    seconds = getattr(connection, "seconds", STATEMENT_SECONDS)
    deadline = getattr(connection, "deadline", None) or time.monotonic() + seconds
    while (state := connection.poll()) != extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), _POLL_EVENTS[state])
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"PostgreSQL did not answer within {seconds:g} s")
