"""Statements whose commit takes its time, as on a slow disk: who repeats one meanwhile waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, TextClause, text

from contracts.database import Database
from tests.eventually import eventually

WAITERS = text("SELECT FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid))")


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """One that ends with the block."""
    with database.engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        yield connection


@contextmanager
def slow_commit(database: Database) -> Iterator[Database]:
    """A database that commits at the end of the block, and there only once somebody waits for it."""
    with transaction(database) as connection:
        yield cast(Database, _InTransaction(connection))
        until_awaited(database, connection)


def until_awaited(database: Database, connection: Connection) -> None:
    """Wait until somebody waits for what this transaction holds."""
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    eventually(lambda: database.rows(WAITERS, pid=pid))


class _InTransaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: TextClause, **parameters: Any) -> list[Any]:
        return list(self._connection.execute(statement, parameters))

    def row(self, statement: TextClause, **parameters: Any) -> Any:
        return next(iter(self.rows(statement, **parameters)), None)
