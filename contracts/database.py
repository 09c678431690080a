"""How every process talks to PostgreSQL: a bounded pool, one statement a round trip, and an end to every wait.

libpq has no read time-out, so a statement sent into a black hole would wait for ever; psycopg2's wait callback gives
every round trip a deadline. psycopg2 keeps one callback a process, so each connection carries its own deadline. The
callback waits with `select.poll`, which gevent replaces in the web process.
"""

import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg2
from psycopg2 import extensions, extras
from sqlalchemy import Engine, Executable, Pool, PoolProxiedConnection, TextClause, create_engine
from sqlalchemy.exc import DBAPIError

from contracts import prepared

POOL_SIZE: Final = 8
"""Connections a process: three bridges, three workers, web, relay and beat stay far below PostgreSQL's 100."""

STATEMENT_SECONDS: Final = 5.0
"""How long a round trip may take before the client gives up; PostgreSQL itself ends the statement a fifth earlier."""

INDEX_PLANS_ONLY: Final = " -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"
"""A prepared plan is kept: one made while the tables were small would read them whole until the next ANALYZE."""

STALE_PLAN_ERRORS: Final = {"0A000", "26000"}
"""SQLSTATE of a plan whose columns a migration changed, and of one that the session does not know: a new connection
makes it anew."""

Row = Any
"""A tuple with a name for each column, SQLAlchemy's or psycopg2's."""

_POLL_EVENTS: Final = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def make_engine(
    url: str,
    name: str,
    *,
    statement_seconds: float = STATEMENT_SECONDS,
    connections: int = POOL_SIZE,
    index_plans_only: bool = False,
) -> Engine:
    """An engine in autocommit mode with READ COMMITTED: no process can be stopped while it holds a row lock.

    `name` is shown in pg_stat_activity. With `by_key` no plan reads a table whole where an index will do: for processes
    that run for long and ask for little at a time. Nothing connects before the first statement.
    """
    extensions.set_wait_callback(_wait)
    extras.register_uuid()
    timeout_ms = int(statement_seconds * 800)
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=statement_seconds,
        pool_use_lifo=True,
        connect_args={
            "connection_factory": type("Bounded", (extensions.connection,), {"seconds": statement_seconds}),
            "application_name": name,
            "connect_timeout": max(2, int(statement_seconds)),
            "options": f"-c statement_timeout={timeout_ms}{INDEX_PLANS_ONLY if index_plans_only else ''}",
        },
    )


def is_refused_data(error: Exception) -> bool:
    """Whether PostgreSQL refused the data itself (SQLSTATE class 22 or 23): repeating cannot help."""
    code = getattr(getattr(error, "orig", None), "pgcode", None) or ""
    return isinstance(error, DBAPIError) and code[:2] in {"22", "23"}


def describe_error(error: Exception) -> str:
    """Why a statement failed, in one line for a log: the driver's first line, and SQLSTATE where there is one.

    An error of class 42 is no outage but a schema that does not fit: run the migrations.
    """
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "pgcode", None)
    line = str(cause).strip().partition("\n")[0] or type(cause).__name__
    return f"{line} ({code})" if code else line


class Database:
    """Runs statements, each alone and at once committed. Those written as text, the protocol's own, are prepared."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def rows(self, statement: Executable, **parameters: Any) -> list[Row]:
        """All rows of one statement. Raises SQLAlchemyError; every statement may then be sent again."""
        if isinstance(statement, TextClause):
            return self._prepared_rows(statement, parameters)
        with self.engine.connect() as connection:
            return list(connection.execute(statement, parameters))

    def row(self, statement: Executable, **parameters: Any) -> Row | None:
        """The first row, or None."""
        return next(iter(self.rows(statement, **parameters)), None)

    def _prepared_rows(self, statement: TextClause, parameters: Mapping[str, Any]) -> list[Row]:
        """By the driver's own cursor: SQLAlchemy's results took as long as all the rest of a statement."""
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
        """The driver's error as SQLAlchemy's own. As with SQLAlchemy, one that lost its connection empties the pool."""
        lost = error.pgcode in STALE_PLAN_ERRORS or self.engine.dialect.is_disconnect(error, connection, None)
        if lost and connection is not None:
            pool._invalidate(connection, error)  # noqa: SLF001  a new pool instead would leave the old one's in use behind
        told: DBAPIError = DBAPIError.instance(
            None, None, error, psycopg2.Error, connection_invalidated=lost, dialect=self.engine.dialect
        )
        return told


def _return_to_pool(connection: PoolProxiedConnection) -> None:
    """A wait that a signal broke off leaves a closed connection, on which the pool would try to roll back."""
    driver = connection.dbapi_connection
    if driver is not None and driver.closed:
        connection.invalidate()
    connection.close()


@contextmanager
def _single_deadline(connection: Any) -> Iterator[None]:
    """A statement that must be prepared first has no more time than any other, though it may take two round trips."""
    connection.until = time.monotonic() + connection.seconds
    try:
        yield
    finally:
        connection.until = None


def _wait(connection: Any) -> None:
    """Connections that `make_engine` did not make have the usual deadline."""
    seconds = getattr(connection, "seconds", STATEMENT_SECONDS)
    deadline = getattr(connection, "until", None) or time.monotonic() + seconds
    while (state := connection.poll()) != extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), _POLL_EVENTS[state])
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"PostgreSQL did not answer within {seconds:g} s")
