"""Transactions with a delayed commit, as on a slow disk: a repeated statement waits for the first commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, TextClause, text

from contracts.database import Database
from tests.eventually import eventually

BLOCKED_SESSIONS = text("SELECT FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid))")


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """Run the block in one transaction and commit it at the end."""
    with database.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        yield connection


@contextmanager
def slow_commit(database: Database) -> Iterator[Database]:
    """Yield a database that commits at the end of the block, after another session has begun to wait for it."""
    with transaction(database) as connection:
        yield in_transaction(connection)
        wait_until_blocking(database, connection)


def in_transaction(connection: Connection) -> Database:
    """Return a database whose statements belong to this transaction."""
    return cast(Database, _TransactionDatabase(connection))


def wait_until_blocking(database: Database, connection: Connection) -> None:
    """Wait until this transaction blocks another session."""
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    eventually(lambda: database.rows(BLOCKED_SESSIONS, pid=pid))


class _TransactionDatabase:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: TextClause, **parameters: Any) -> list[Any]:
        result = self._connection.execute(statement, parameters)
        return list(result) if result.returns_rows else []

    def row(self, statement: TextClause, **parameters: Any) -> Any:
        return next(iter(self.rows(statement, **parameters)), None)
