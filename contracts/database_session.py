"""Pins what a session with PostgreSQL depends on, in one place for all processes, migrations and the devstack.

A session has the same encoding, time zone, isolation level and so on, whatever libpq's environment variables and the
defaults of the role and the database say. What an installation chooses stands in DATABASE_URL:
`?options=-csearch_path%3Dapp` keeps its effect, `?sslmode=verify-full` and the like too.

`default_transaction_read_only` is not pinned: operators and providers set it to stop all writes, for example before a
disk is full, and overriding it would fill the disk.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, Final

import psycopg2
from psycopg2 import extensions
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.psycopg2 import dialect

from contracts.database_times import bound_times

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
    "client_encoding": ENCODING,
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

_NO_TRANSACTION_TIMEOUT: Final = "SET transaction_timeout = 0;"
"""Set before everything else, because it may be a millisecond."""

_CHOICE: Final = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)")
"""A parameter among libpq's `options`: -c name=value or --name=value, in which a space is escaped."""

_PIN: Final = """
    SELECT set_config(name, value, false) FROM unnest(CAST(%s AS text[]), CAST(%s AS text[])) AS p(name, value)
     WHERE current_setting(name, true) IS DISTINCT FROM value"""
"""Sets the parameters that the options of the connection have not set. It leaves equal ones alone, because some can be
set by options only."""

_KEPT_VARIABLES: Final = frozenset({"PGPASSWORD", "PGPASSFILE"})
"""A password changes nothing but the access, and a secret may be kept in its own variable or file."""


class UnusableDatabaseError(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 has no types
    """Raised when no process can ever work with the database as it is. The message has one line and says the cure."""


class Session(extensions.connection):  # type: ignore[misc]  # psycopg2 has no types
    """A connection with pinned parameters, to a database that can store every text.

    The parameters are among the options of the connection, so that no default applies for a moment, and are set again:
    a pooler of sessions does not pass options on. Raises UnusableDatabaseError when the database has another encoding.
    """

    seconds = STATEMENT_SECONDS
    """The deadline of a round trip, where the process has one (`contracts.database`)."""

    parameters: Mapping[str, str] = {}
    """Name of a parameter -> its value in this session."""

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
        first = _NO_TRANSACTION_TIMEOUT if self.server_version >= _TRANSACTION_TIMEOUT_VERSION else ""
        self.autocommit = True
        with self.cursor() as cursor:
            cursor.execute(first + _PIN, (list(self.parameters), list(self.parameters.values())))
        self.autocommit = False
        bound_times(self)


def session_arguments(
    url: str,
    name: str,
    *,
    statement_timeout_ms: int = 0,
    connect_seconds: int = 5,
    round_trip_seconds: float = STATEMENT_SECONDS,
    planner: str = "",
) -> dict[str, Any]:
    """Return the arguments of psycopg2.connect that pin a session; they replace those of the URL.

    `name` is shown in pg_stat_activity. `planner` holds further options, and a `statement_timeout_ms` of 0 is no limit.
    """
    forget_libpq_variables()
    options = make_url(url).query.get("options", ())
    chosen = (options,) if isinstance(options, str) else options
    pinned = _options({**_PINNED, "statement_timeout": str(statement_timeout_ms)})
    all_options = " ".join(filter(None, (_options(_DEFAULTS), *chosen, pinned, planner)))
    attributes = {"seconds": round_trip_seconds, "parameters": _parameters(all_options)}
    return {
        "connection_factory": type("PinnedSession", (Session,), attributes),
        "application_name": name,
        "client_encoding": ENCODING,
        "connect_timeout": connect_seconds,
        "options": all_options,
    }


def url_arguments(url: str) -> dict[str, Any]:
    """Return the arguments of psycopg2.connect that SQLAlchemy reads from a URL: libpq reads `host=a:1&host=b:2`, `+`
    and percent signs otherwise.

    Raises ValueError or SQLAlchemy's ArgumentError.
    """
    _, arguments = dialect().create_connect_args(make_url(url))  # type: ignore[no-untyped-call]
    return dict(arguments)


def open_session(url: str, name: str, *, connect_seconds: int = 5) -> Any:
    """Return a pinned connection outside the pools, for commands that need one before there is a system.

    Raises psycopg2.OperationalError when PostgreSQL is unavailable, and UnusableDatabaseError.
    """
    return psycopg2.connect(**{**url_arguments(url), **session_arguments(url, name, connect_seconds=connect_seconds)})


def forget_libpq_variables() -> None:
    """Remove the variables with which libpq changes a connection: it reads them in C, and some have no argument that
    overrides them (PGSERVICE, PGTZ). All of their names begin with PG."""
    for variable in [name for name in os.environ if name.startswith("PG") and name not in _KEPT_VARIABLES]:
        del os.environ[variable]


def _options(values: Mapping[str, str]) -> str:
    """Return the values as libpq's `options`, in which a space is escaped."""
    return " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in values.items())


def _parameters(options: str) -> dict[str, str]:
    """Return what libpq's `options` set, the last value of each parameter."""
    return {name.replace("-", "_"): re.sub(r"\\(.)", r"\1", value) for name, value in _CHOICE.findall(options)}
