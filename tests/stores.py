"""The servers of the tests: real PostgreSQL, Redis and Apache Kafka, started with the project's own devstack.

The parallel processes of a run share the servers. If THOUGHTS_TEST_STORES contains the output of `python -m devstack
status --json`, the tests use those running servers and do not stop them: they create their own databases in PostgreSQL,
and flush the first databases of Redis.

If THOUGHTS_TEST_SERVERS names a directory, the stacks of the tests run the servers in it (devstack/stores/servers.py).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import extensions

from devstack.supervisor import locks
from tests.ports import free_port_base

ROOT = Path(__file__).resolve().parent.parent
STORES_ONLY = "web=0,relay=0,bridge=0,worker=0,beat=0,flower=0"
FAST_WRITES = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
"""Statements that turn off disk writes: these stores end with the session; stacks that tests kill keep fsync."""


@dataclass(frozen=True)
class Stores:
    """The addresses of the three servers, and which Kafka it is; the fields are keys of `devstack status --json`."""

    database_url: str
    redis_url: str
    kafka_bootstrap: str
    kafka: str


def devstack(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a devstack command and return the finished process; the caller checks its return code."""
    if arguments[0] == "up":
        link_servers(Path(arguments[arguments.index("--dir") + 1]))
    command = [sys.executable, "-m", "devstack", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def link_servers(directory: Path) -> None:
    """Give a stack the servers of THOUGHTS_TEST_SERVERS, if it is set."""
    link = directory / "servers"
    if (servers := os.environ.get("THOUGHTS_TEST_SERVERS")) and not link.exists():
        directory.mkdir(mode=0o711, parents=True, exist_ok=True)
        link.symlink_to(Path(servers).resolve())


def parse_stores(status: str) -> Stores:
    """Parse the output of `devstack status --json`."""
    return select_stores(json.loads(status))


def select_stores(description: Mapping[str, Any]) -> Stores:
    """Return the stores of a described stack."""
    return Stores(**{field.name: description[field.name] for field in fields(Stores)})


def with_own_redis_database(stores: Stores) -> Stores:
    """Return the stores with a Redis database for this parallel process, because the tests flush it."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return replace(stores, redis_url=with_database(stores.redis_url, number))


@contextmanager
def traversable_directory() -> Iterator[Path]:
    """Create a directory for a stack and remove it afterwards.

    pytest's own directories do not work for root: PostgreSQL's account must be able to traverse the path, and every new
    pytest session removes that permission from the root of pytest's directories.
    """
    with tempfile.TemporaryDirectory(prefix="thoughts-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def stores_directory() -> Iterator[Path]:
    """Create the directory in which the first test that needs stores starts them; stop them at the end of the run."""
    with traversable_directory() as directory:
        yield directory
        if (directory / "stack").exists():
            devstack("down", "--dir", str(directory / "stack"))


def ensure_stores(directory: Path) -> Stores:
    """Start the stores of this run unless they run, and return their addresses.

    Where Apache Kafka is not available, the tests are skipped locally and fail in CI.
    """
    if status := os.environ.get("THOUGHTS_TEST_STORES"):
        return with_own_redis_database(parse_stores(status))
    with locks.locked(directory / "lock"):
        if not (status_file := directory / "status.json").exists():
            status_file.write_text(_start_stores(directory / "stack"))
    return with_own_redis_database(parse_stores(status_file.read_text()))


def started_stores(directory: Path) -> Stores | None:
    """Return the stores that this run used, or None when no test needed them."""
    if status := os.environ.get("THOUGHTS_TEST_STORES"):
        return parse_stores(status)
    status_file = directory / "status.json"
    return parse_stores(status_file.read_text()) if status_file.exists() else None


def _start_stores(stack_dir: Path) -> str:
    """Start the stores and return their status as JSON. A retry after a failed start uses the same directory."""
    dir_option = ("--dir", str(stack_dir))
    port_option = ("--port-base", str(free_port_base()))
    require_up(devstack("up", *dir_option, *port_option, "--scale", STORES_ONLY, "--kafka", "apache", "--detach"))
    status = devstack("status", *dir_option, "--json").stdout
    execute(parse_stores(status).database_url, *FAST_WRITES)
    return status


def require_up(result: "subprocess.CompletedProcess[str]") -> None:
    """Skip or fail the test when `up` found no Apache Kafka; fail it when `up` failed for another reason."""
    if result.returncode == 0:
        return
    if "Apache Kafka is not available" in result.stderr:
        skip_or_fail(result.stderr.strip())
    pytest.fail(f"the stack did not start: {result.stdout}{result.stderr}", pytrace=False)


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because something it needs is missing; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class AdminConnection(extensions.connection):  # type: ignore[misc]  # psycopg2 has no types
    """A connection with a longer statement deadline, because creating and dropping databases waits for the disk."""

    seconds = 60.0


def execute(url: str, *statements: str) -> None:
    """Execute statements outside a transaction, as CREATE DATABASE requires."""
    driver_url = url.replace("postgresql+psycopg2", "postgresql")
    connection = psycopg2.connect(driver_url, connection_factory=AdminConnection)
    connection.autocommit = True
    try:
        for statement in statements:
            connection.cursor().execute(statement)
    finally:
        connection.close()


def with_database(url: str, database: str) -> str:
    """Return the URL of another database of the same PostgreSQL or Redis."""
    return f"{url.rpartition('/')[0]}/{database}"


@contextmanager
def temporary_database(stores: Stores, template: str) -> Iterator[str]:
    """Create a copy of the template database, yield its URL, and drop it."""
    name = f"test_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield with_database(stores.database_url, name)
    finally:
        execute(stores.database_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def create_template(stores: Stores) -> str:
    """Create an empty database, migrate it, and return its name; the tests' databases are copies of it."""
    name = f"template_{uuid4().hex}"
    execute(stores.database_url, f'CREATE DATABASE "{name}"')
    environment = {**os.environ, "DATABASE_URL": with_database(stores.database_url, name)}
    environment |= {"REDIS_URL": stores.redis_url, "KAFKA_BOOTSTRAP_SERVERS": stores.kafka_bootstrap}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return name
