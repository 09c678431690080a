"""Pins what a session with PostgreSQL depends on, in one place for all processes, migrations and the devstack.

A session has the same encoding, time zone, isolation level and so on, whatever libpq's environment variables and the
defaults of the role and the database say. What an installation chooses stands in DATABASE_URL:
`?options=-csearch_path%3Dapp` keeps its effect, `?sslmode=verify-full` and the like too.

`default_transaction_read_only` is not pinned: operators and providers set it to stop all writes, for example before a
disk is full, and overriding it would fill the disk.
"""

import os
from collections.abc import Mapping
from typing import Any, Final

import psycopg2
from psycopg2 import extensions
from sqlalchemy import make_url

STATEMENT_SECONDS: Final = 5.0
"""Seconds that a round trip may take before the client gives up. PostgreSQL cancels the statement a fifth earlier."""

ENCODING: Final = "UTF8"
"""The encoding of the session and of the database: the only one that stores every character of a thought."""

_DEFAULTS: Final = {
    "search_path": '"$user",public',
    "synchronous_commit": "on",
}
"""Values that the options of DATABASE_URL may replace: where the tables are, and what an accepted thought survives."""

_PINNED: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,MDY",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
"""Values that nothing replaces, because the statements are written for them."""

_TRANSACTION_TIMEOUT_VERSION: Final = 170000
"""The first version of PostgreSQL that has `transaction_timeout`; an earlier one refuses it among the options."""

_KEPT_VARIABLES: Final = frozenset({"PGPASSWORD", "PGPASSFILE"})
"""A password changes nothing but the access, and a secret may be kept in its own variable or file."""


class UnusableDatabaseError(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 has no types
    """Raised when no process can ever work with the database as it is. The message has one line and says the cure."""


class Session(extensions.connection):  # type: ignore[misc]  # psycopg2 has no types
    """A connection whose database can store every text, and that ends no long transaction.

    Raises UnusableDatabaseError when the database has another encoding than UTF8.
    """

    seconds = STATEMENT_SECONDS
    """The deadline of a round trip, where the process has one (`contracts.database`)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        encoding = self.info.parameter_status("server_encoding")
        if encoding != ENCODING:
            name = self.info.dbname
            self.close()
            raise UnusableDatabaseError(
                f"DATABASE_URL: the database {name} has the encoding {encoding}, which cannot store every text; create "
                f"one with: CREATE DATABASE {name} ENCODING '{ENCODING}' TEMPLATE template0"
            )
        if self.server_version >= _TRANSACTION_TIMEOUT_VERSION:
            self.autocommit = True
            with self.cursor() as cursor:
                cursor.execute("SET transaction_timeout = 0")
            self.autocommit = False


def session_arguments(
    url: str, name: str, *, statement_timeout_ms: int = 0, connect_seconds: int = 5, planner: str = ""
) -> dict[str, Any]:
    """Return the arguments of psycopg2.connect that pin a session; they replace those of the URL.

    `name` is shown in pg_stat_activity. `planner` holds further options, and a `statement_timeout_ms` of 0 is no limit.
    """
    forget_libpq_variables()
    options = make_url(url).query.get("options", ())
    chosen = (options,) if isinstance(options, str) else options
    pinned = _options({**_PINNED, "statement_timeout": str(statement_timeout_ms)})
    return {
        "connection_factory": Session,
        "application_name": name,
        "client_encoding": ENCODING,
        "connect_timeout": connect_seconds,
        "options": " ".join(filter(None, (_options(_DEFAULTS), *chosen, pinned, planner))),
    }


def open_session(url: str, name: str, *, connect_seconds: int = 5) -> Any:
    """Return a pinned connection outside the pools, for commands that need one before there is a system.

    Raises psycopg2.OperationalError when PostgreSQL is unavailable, and UnusableDatabaseError.
    """
    driver_url = url.replace("postgresql+psycopg2://", "postgresql://", 1)
    return psycopg2.connect(driver_url, **session_arguments(url, name, connect_seconds=connect_seconds))


def forget_libpq_variables() -> None:
    """Remove the variables with which libpq changes a connection: it reads them in C, and some have no argument that
    overrides them (PGSERVICE, PGTZ). All of their names begin with PG."""
    for variable in [name for name in os.environ if name.startswith("PG") and name not in _KEPT_VARIABLES]:
        del os.environ[variable]


def _options(values: Mapping[str, str]) -> str:
    """Return the values as libpq's `options`, in which a space is escaped."""
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in values.items())
