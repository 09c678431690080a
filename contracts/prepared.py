"""Prepares statements, so that PostgreSQL plans them once per connection instead of at every execution.

Planning took two fifths of PostgreSQL's time for a step. psycopg2 has no prepared statements, so this module sends
SQL's PREPARE when a connection executes a statement for the first time. Prepared statements belong to the session: a
pooler between the processes and PostgreSQL must pool sessions, not transactions.
"""

from collections.abc import Mapping
from contextlib import closing
from itertools import count
from typing import Any, Final

import psycopg2
from psycopg2.extras import NamedTupleCursor
from sqlalchemy import PoolProxiedConnection, TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

_DIALECT: Final = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NAME_NUMBERS: Final = count(1)
"""Makes each prepared statement's name unique in the process: a PREPARE whose answer was lost may have succeeded."""

_SELECT_TYPES: Final = "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name ="

_types: dict[str, list[str]] = {}
"""SQL of a statement -> the parameter types that PostgreSQL inferred. They are queried once per process."""


class UnstorableValueError(psycopg2.DataError):  # type: ignore[misc]  # psycopg2 has no types
    """Raised for a value that the driver cannot send: text with NUL or a lone surrogate."""

    pgcode = "22021"
    """The SQLSTATE with which PostgreSQL would reject it."""


def execute_prepared(
    connection: PoolProxiedConnection, statement: TextClause, parameters: Mapping[str, Any]
) -> list[Any]:
    """Execute one statement and return all its rows as named tuples. Raises psycopg2.Error.

    The statement is a single SELECT, INSERT, UPDATE or DELETE, and a constant, because its plan is kept until the
    connection closes. An execution takes one round trip, including the PREPARE; only a statement's first execution in
    the process takes two.
    """
    execute_calls: dict[str, str] = connection.info.setdefault("prepared", {})
    with closing(connection.cursor(cursor_factory=NamedTupleCursor)) as cursor:
        call = execute_calls.get(statement.text)
        if call is None:
            sql, parameter_names = _number_parameters(statement)
            name = f"prepared_{next(_NAME_NUMBERS)}"
            call = f"EXECUTE {name}{_arguments(cursor, sql, parameter_names)}"
            escaped = sql.replace("%", "%%") if parameter_names else sql  # psycopg2 reads %% only with parameters
            _execute(cursor, f"PREPARE {name} AS {escaped}; {call}", parameters if parameter_names else None)
            execute_calls[statement.text] = call
        else:
            _execute(cursor, call, parameters)
        return [] if cursor.description is None else list(cursor.fetchall())


def _execute(cursor: Any, sql: str, parameters: Mapping[str, Any] | None) -> None:
    """Execute SQL. The driver raises ValueError for values that it cannot send, before it sends anything."""
    try:
        cursor.execute(sql, parameters)
    except ValueError as error:
        raise UnstorableValueError(f"a value cannot be sent to PostgreSQL ({type(error).__name__})") from error


def _arguments(cursor: Any, sql: str, parameter_names: tuple[str, ...]) -> str:
    """Return the argument list of EXECUTE. Arrays need a cast: PostgreSQL reads `ARRAY[NULL]` as an array of text."""
    if not parameter_names:
        return ""
    if sql not in _types:
        name = f"types_{next(_NAME_NUMBERS)}"
        cursor.execute(f"PREPARE {name} AS {sql}; {_SELECT_TYPES} '{name}'")
        _types[sql] = cursor.fetchone().types
    return f" ({', '.join(_argument(name, type_) for name, type_ in zip(parameter_names, _types[sql], strict=True))})"


def _argument(name: str, type_: str) -> str:
    return f"CAST(%({name})s AS {type_})" if type_.endswith("[]") else f"%({name})s"


def _number_parameters(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    """Return the SQL with $1, $2 ... in place of its parameters, and the parameters' names in that order."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), tuple(compiled.positiontup or ())
