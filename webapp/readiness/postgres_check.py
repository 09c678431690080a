"""Checks that PostgreSQL takes the writes of a POST: it is not read-only, and the tables are those of this release."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from contracts.database import Database
from contracts.refusals import postgres_refusal
from contracts.tables import MIGRATION
from webapp.readiness.probe import CheckError

CHECK_WRITES: Final = text("""
    WITH new_users AS (INSERT INTO users (id) SELECT gen_random_uuid() WHERE false),
         turns AS (UPDATE users SET last_turn = last_turn WHERE false),
         new_thoughts AS (
             INSERT INTO thoughts (id, user_id, turn, text, event)
             SELECT gen_random_uuid(), gen_random_uuid(), 1, '', '' WHERE false
         )
    SELECT version_num AS migration, has_table_privilege('outbox', 'INSERT') AS may_emit,
           pg_logical_emit_message(true, 'thoughts.health', '')::text AS position
      FROM alembic_version
""")
"""Fails whenever Accept would: in a read-only session or server, without a table or column, and without a privilege.

It changes no row. The message makes its commit write to the disk of PostgreSQL; nobody reads it."""

INSUFFICIENT_PRIVILEGE: Final = "42501"

_PROBLEMS: Final = {
    "25006": "PostgreSQL is read-only.",
    "42P01": "PostgreSQL lacks a table, or its schema is not allowed; run `alembic upgrade head`, or GRANT USAGE.",
    "42703": "PostgreSQL lacks a column; run `alembic upgrade head`.",
    INSUFFICIENT_PRIVILEGE: "PostgreSQL does not allow this user to write.",
    "53100": "The disk of PostgreSQL is full.",
    "53300": "PostgreSQL has no free connection.",
}
"""SQLSTATE -> problem."""


def check_postgres(database: Database) -> str:
    """Return the migration of the database. Raises CheckError when a thought could not be stored."""
    try:
        row = database.row(CHECK_WRITES)
    except PoolTimeoutError as error:
        raise CheckError("All of this web's connections to PostgreSQL are in use.") from error
    except SQLAlchemyError as error:
        code = getattr(getattr(error, "orig", None), "pgcode", None)
        refusal = postgres_refusal(error)
        otherwise = f"{refusal.state}." if refusal else "PostgreSQL is unavailable."
        raise CheckError(_PROBLEMS.get(str(code), otherwise)) from error
    if row and not row.may_emit:
        raise CheckError(_PROBLEMS[INSUFFICIENT_PRIVILEGE])
    migration = str(row.migration) if row else ""
    if migration < MIGRATION:
        state = f"the migration {migration}" if migration else "no migration"
        raise CheckError(f"PostgreSQL has {state}, this release needs {MIGRATION}; run `alembic upgrade head`.")
    return migration
