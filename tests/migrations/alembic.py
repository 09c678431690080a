"""Runs Alembic as an operator does, and describes the schema of a database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from tests.stores import ROOT, Stores, temporary_database

# Describes tables, columns, constraints and indexes from PostgreSQL's catalogue, identically for identical schemas.
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
    """Run an Alembic command on a database. The caller checks the return code."""
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://unused", "KAFKA_ENABLED": "false"}
    command = [sys.executable, "-m", "alembic", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def run_alembic(url: str, *arguments: str) -> str:
    """Run an Alembic command that must succeed, and return its output."""
    process = alembic(url, *arguments)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@contextmanager
def empty_database(stores: Stores) -> Iterator[str]:
    """Create an empty database and yield its URL."""
    with temporary_database(stores, "template1") as url:
        yield url


def schema(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return the catalogue's description of our tables, without Alembic's own table."""
    with connect(url) as connection:
        descriptions = {kind: fetch_all(connection, query) for kind, query in CATALOGUE.items()}
    return {kind: {row for row in rows if row[0] != "alembic_version"} for kind, rows in descriptions.items()}


@contextmanager
def connect(url: str) -> Iterator[Any]:
    """Yield a connection outside the system's pools, in autocommit mode."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def fetch_all(connection: Any, query: str) -> list[tuple[Any, ...]]:
    """Return all rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
