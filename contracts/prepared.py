"""Statements that PostgreSQL plans once a connection instead of at every execution.

Planning took two fifths of PostgreSQL's time for a step. psycopg2 has no prepared statements of its own, so they are
made with SQL's PREPARE, at a connection's first execution of each. They belong to the session: a pooler between the
processes and PostgreSQL must pool sessions, not transactions.
"""

from collections.abc import Mapping
from contextlib import closing
from itertools import count
from typing import Any, Final

from psycopg2.extras import NamedTupleCursor
from sqlalchemy import PoolProxiedConnection, TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

_NUMBERED: Final = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NUMBERS: Final = count(1)
_ASK_TYPES: Final = "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name ="

_types: dict[str, list[str]] = {}
"""The types that PostgreSQL found the parameters of a statement to have; they are asked for once a process."""


def execute_prepared(
    connection: PoolProxiedConnection, statement: TextClause, parameters: Mapping[str, Any]
) -> list[Any]:
    """All rows of one execution, as named tuples. Raises psycopg2.Error.

    The statement is one SELECT, INSERT, UPDATE or DELETE, and a constant: it is kept for as long as the connection.
    It takes one round trip, also where it is prepared; only the first of its kind in a process takes two.
    """
    calls: dict[str, str] = connection.info.setdefault("prepared", {})
    with closing(connection.cursor(cursor_factory=NamedTupleCursor)) as cursor:
        call = calls.get(statement.text)
        if call is None:
            sql, names = _numbered(statement)
            name = f"prepared_{next(_NUMBERS)}"
            call = f"EXECUTE {name}{_arguments(cursor, sql, names)}"
            written = sql.replace("%", "%%") if names else sql  # as psycopg2 reads it with parameters, and without
            cursor.execute(f"PREPARE {name} AS {written}; {call}", parameters if names else None)
            calls[statement.text] = call
        else:
            cursor.execute(call, parameters)
        return [] if cursor.description is None else list(cursor.fetchall())


def _arguments(cursor: Any, sql: str, names: tuple[str, ...]) -> str:
    """PostgreSQL casts each argument to its parameter's type, but for arrays: `ARRAY[NULL]` would be of texts."""
    if not names:
        return ""
    if sql not in _types:
        name = f"types_{next(_NUMBERS)}"
        cursor.execute(f"PREPARE {name} AS {sql}; {_ASK_TYPES} '{name}'")
        _types[sql] = cursor.fetchone().types
    return f" ({', '.join(_argument(each, kind) for each, kind in zip(names, _types[sql], strict=True))})"


def _argument(name: str, kind: str) -> str:
    return f"CAST(%({name})s AS {kind})" if kind.endswith("[]") else f"%({name})s"


def _numbered(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    """The statement with $1, $2 ... for its parameters, and their names in that order."""
    compiled = statement.compile(dialect=_NUMBERED)
    return str(compiled), tuple(compiled.positiontup or ())
