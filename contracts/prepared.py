"""Statements that PostgreSQL plans once a connection instead of at every execution.

Planning took two fifths of PostgreSQL's time for a step. psycopg2 has no prepared statements of its own, so they are
made with SQL's PREPARE, at a connection's first execution of each. They belong to the session: a pooler between the
processes and PostgreSQL must pool sessions, not transactions.
"""

from collections.abc import Mapping
from contextlib import closing
from functools import lru_cache
from itertools import count
from typing import Any, Final

from psycopg2.extras import NamedTupleCursor
from sqlalchemy import PoolProxiedConnection, TextClause
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

_NUMBERED: Final = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NUMBERS: Final = count(1)
_TYPES: Final = "SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name ="


def rows(connection: PoolProxiedConnection, statement: TextClause, parameters: Mapping[str, Any]) -> list[Any]:
    """All rows of one execution, as named tuples. Raises psycopg2.Error.

    The statement is one SELECT, INSERT, UPDATE or DELETE, and a constant: it is kept for as long as the connection.
    """
    calls: dict[str, str] = connection.info.setdefault("prepared", {})
    with closing(connection.cursor(cursor_factory=NamedTupleCursor)) as cursor:
        call = calls.get(statement.text)
        if call is None:
            call = calls[statement.text] = _prepare(cursor, statement)
        cursor.execute(call, parameters)
        return [] if cursor.description is None else list(cursor.fetchall())


def _prepare(cursor: Any, statement: TextClause) -> str:
    """Make the plan, and return what executes it.

    PostgreSQL finds the parameters' types, and casts each argument to its own, but for arrays: `ARRAY[NULL]` would be
    of texts.
    """
    sql, names = _numbered(statement)
    name = f"prepared_{next(_NUMBERS)}"
    cursor.execute(f"PREPARE {name} AS {sql}; {_TYPES} '{name}'")
    arguments = ", ".join(_argument(each, kind) for each, kind in zip(names, cursor.fetchone().types, strict=True))
    return f"EXECUTE {name} ({arguments})" if arguments else f"EXECUTE {name}"


def _argument(name: str, kind: str) -> str:
    return f"CAST(%({name})s AS {kind})" if kind.endswith("[]") else f"%({name})s"


@lru_cache(maxsize=256)
def _numbered(statement: TextClause) -> tuple[str, tuple[str, ...]]:
    """The statement with $1, $2 ... for its parameters, and their names in that order."""
    compiled = statement.compile(dialect=_NUMBERED)
    return str(compiled), tuple(compiled.positiontup or ())
