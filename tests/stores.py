"""The servers under the tests: real PostgreSQL, Redis and Apache Kafka, started by the project's own devstack.

The parallel processes of a run share one set. THOUGHTS_TEST_STORES may hold the JSON of `python -m devstack status
--json` of stores that already run; the tests then use those and leave them running: databases of their own in
PostgreSQL, and in Redis the first ones, flushed.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import extensions

from devstack.supervisor import locks
from tests.ports import free_base

ROOT = Path(__file__).resolve().parent.parent
STORES_ALONE = "web=0,relay=0,bridge=0,worker=0,beat=0,flower=0"
HASTY = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
"""These stores go with the session, so hundreds of databases need not reach the disk. Killed stacks keep fsync."""


@dataclass(frozen=True)
class Stores:
    """Addresses of the three servers."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str


def devstack(*arguments: str, timeout: float = 300) -> "subprocess.CompletedProcess[str]":
    """Run a devstack command; the caller looks at its return code."""
    command = [sys.executable, "-m", "devstack", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


def parse(status: str) -> Stores:
    """Addresses from the JSON of `devstack status`."""
    found = json.loads(status)
    return Stores(found["database_url"], found["redis_url"], found["kafka_bootstrap"])


def own_redis(given: Stores) -> Stores:
    """The same servers, with a database of Redis for each of the parallel processes: their tests flush it."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return replace(given, redis_url=sibling(given.redis_url, number))


@contextmanager
def walkable_directory() -> Iterator[Path]:
    """A directory for a stack. Not pytest's own: as root, PostgreSQL's account must be able to walk there, and every
    new pytest session shuts the root of pytest's directories again."""
    with tempfile.TemporaryDirectory(prefix="thoughts-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def home_of_stores() -> Iterator[Path]:
    """Where the stores of a run are started by the first test that needs them; they end with the run."""
    with walkable_directory() as directory:
        yield directory
        if (directory / "stack").exists():
            devstack("down", "--dir", str(directory / "stack"))


def stores_in(directory: Path) -> Stores:
    """The stores of this run; where they cannot be had, tests skip locally and fail in CI."""
    if given := os.environ.get("THOUGHTS_TEST_STORES"):
        return own_redis(parse(given))
    with locks.locked(directory / "lock"):
        if not (known := directory / "status.json").exists():
            known.write_text(_started(directory / "stack"))
    return own_redis(parse(known.read_text()))


def _started(home: Path) -> str:
    """The status of new stores. What an attempt left that failed is taken up by the next."""
    place = ("--dir", str(home))
    base = ("--port-base", str(free_base()))
    require_up(devstack("up", *place, *base, "--scale", STORES_ALONE, "--kafka", "apache", "--detach"))
    status = devstack("status", *place, "--json").stdout
    execute(parse(status).database_url, *HASTY)
    return status


def require_up(up: "subprocess.CompletedProcess[str]") -> None:
    """Skip where Apache Kafka cannot be had; whatever else keeps a stack from starting is a failure."""
    if up.returncode == 0:
        return
    if "Apache Kafka cannot be had" in up.stderr:
        missing(up.stderr.strip())
    pytest.fail(f"the stack did not start: {up.stdout}{up.stderr}", pytrace=False)


def missing(reason: str) -> None:
    """A service is not there: a reason to skip on somebody's machine, and a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Administrator(extensions.connection):  # type: ignore[misc]  # psycopg2 carries no types
    """Has more time than the usual deadline: making and dropping databases waits for the disk."""

    seconds = 60.0


def execute(url: str, *statements: str) -> None:
    """Run statements outside any transaction, as CREATE DATABASE wants it."""
    address = url.replace("postgresql+psycopg2", "postgresql")
    connection = psycopg2.connect(address, connection_factory=Administrator)
    connection.autocommit = True
    try:
        for statement in statements:
            connection.cursor().execute(statement)
    finally:
        connection.close()


def sibling(url: str, database: str) -> str:
    """The same server's address with another database, of PostgreSQL or of Redis."""
    return f"{url.rpartition('/')[0]}/{database}"


@contextmanager
def a_database(stores: Stores, template: str) -> Iterator[str]:
    """The address of a new copy of the template, dropped at the end."""
    name = f"test_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield sibling(stores.database_url, name)
    finally:
        execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def migrated(stores: Stores) -> str:
    """The name of a new, migrated, empty database that others are copied from."""
    name = f"template_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}"')
    environment = {**os.environ, "DATABASE_URL": sibling(stores.database_url, name)}
    environment |= {"REDIS_URL": stores.redis_url, "KAFKA_BOOTSTRAP_SERVERS": stores.kafka_bootstrap}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return name
