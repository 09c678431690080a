"""Alembic as an operator runs it, and what a database looks like."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from tests.stores import ROOT, Stores, a_database

# What the catalogue says of tables, columns, constraints and indexes, in words that are the same for the same schema.
CATALOGUE = {
    "tables": """
        SELECT relname, reloptions::text FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace""",
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def alembic(url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one of Alembic's commands on a database; the caller looks at its return code."""
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://unused", "KAFKA_ENABLED": "false"}
    command = [sys.executable, "-m", "alembic", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def succeed(url: str, *arguments: str) -> str:
    """Run a command that must succeed and return what it printed."""
    done = alembic(url, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def empty_database(stores: Stores) -> Iterator[str]:
    """The address of a database with nothing in it."""
    with a_database(stores, "template1") as url:
        yield url


def schema(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """All that the catalogue says of our tables, without Alembic's own."""
    with connected(url) as connection:
        found = {kind: ask(connection, question) for kind, question in CATALOGUE.items()}
    return {kind: {row for row in rows if row[0] != "alembic_version"} for kind, rows in found.items()}


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection outside the pools of the system, each statement at once committed."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def ask(connection: Any, question: str) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(question)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
