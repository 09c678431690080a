"""Lets the libraries that will read the addresses and the schedule of the settings check them. Nothing is connected to.

Each function raises ValueError, with a message of one line that says the cure and never shows a secret. The libraries
are imported in the functions, because the commands that need no setting should not load them.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit
from zoneinfo import ZoneInfo

PORTS: Final = range(1, 65536)

LONGEST_PAUSE: Final = timedelta(days=366 * 9)
"""The longest time between two runs of a schedule: 29 February comes after eight years at the latest."""

_LIBPQ_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_LIBPQ_NUMBERS: Final = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
_REDIS_FILES: Final = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")

_REDIS_REFUSED: Final = frozenset({"decode_responses", "encoding", "encoding_errors", "protocol"})
"""Options of a Redis URL that change what its answers look like; the code expects redis-py's defaults."""

_NO_SERVER: Final = "/nonexistent"
"""A directory for sockets that does not exist: libpq checks its parameters, and then finds no server there."""

_ENCODE: Final = "percent-encode special characters of the user and the password, such as %40 for @"


def check_postgresql_url(url: str) -> None:
    """Let SQLAlchemy and libpq read a URL as `contracts.database` will pass it to them."""
    from sqlalchemy import make_url
    from sqlalchemy.dialects.postgresql.psycopg2 import dialect
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
        _, arguments = dialect().create_connect_args(parsed)  # type: ignore[no-untyped-call]
    except (ValueError, ArgumentError):
        raise ValueError(f"cannot be read; its port must be a number, and {_ENCODE}") from None
    for port in str(arguments.get("port", "" if parsed.port is None else parsed.port)).split(","):
        _check_port(port)
    for name in _LIBPQ_FILES:
        if arguments.get(name) != "system":
            _check_file(name, arguments.get(name))
    for name in _LIBPQ_NUMBERS:
        if not str(arguments.get(name, "0")).isdecimal():
            raise ValueError(f"its option {name} must be a number")
    _check_with_libpq(arguments)


def _check_with_libpq(arguments: Mapping[str, Any]) -> None:
    import psycopg2

    from contracts.database_session import forget_libpq_variables

    forget_libpq_variables()
    other_arguments = {name: value for name, value in arguments.items() if name not in {"hostaddr", "connect_timeout"}}
    try:
        psycopg2.connect(**{**other_arguments, "host": _NO_SERVER, "port": 1}).close()
    except psycopg2.OperationalError as error:
        line = str(error).strip().partition("\n")[0]
        if not line.startswith("connection to server"):
            raise ValueError(f"PostgreSQL's client refuses it: {line}") from None
    except psycopg2.Error as error:  # an option that libpq does not know
        line = str(error).strip().partition("\n")[0]
        raise ValueError(f"PostgreSQL's client refuses its options: {line}") from None


def check_redis_url(url: str) -> None:
    """Let redis-py read a URL as `contracts.progress` will pass it to it."""
    from redis import ConnectionPool, RedisError

    parts = _split(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    if refused := sorted(_REDIS_REFUSED & options.keys()):
        raise ValueError(f"its option {refused[0]} would change the answers of Redis; remove it")
    for name in _REDIS_FILES:
        _check_file(name, next(iter(options.get(name, ())), None))
    if not parts.path.removeprefix("/").isdecimal() and parts.path not in {"", "/"}:
        raise ValueError("must end with the number of a database, such as /0")
    try:
        ConnectionPool.from_url(url).make_connection()
    except TypeError:
        raise ValueError("has an option that redis-py does not know; remove it") from None
    except (ValueError, RedisError):
        raise ValueError("has an option with a value that redis-py refuses; correct or remove it") from None


def check_broker_url(url: str) -> None:
    """Let kombu read the URLs of a broker, separated by semicolons, as Celery will pass them to it."""
    from kombu.connection import Connection

    for address in url.split(";"):
        if address.startswith(("redis://", "rediss://")):
            check_redis_url(address)
            continue
        _split(address)
        try:
            Connection(address).get_transport_cls()
        except (KeyError, ValueError):
            raise ValueError("has a scheme that Celery does not know; use redis://, rediss:// or amqp://") from None
        except ImportError:
            raise ValueError("has a scheme whose Python package is not installed; use redis:// or amqp://") from None


def check_schedule(expression: str, zone: str) -> None:
    """Let Celery read a cron expression, and check that a day comes at which it is due."""
    from celery.schedules import ParseException

    from contracts.batch_schedule import BatchSchedule

    now = datetime.now(UTC)
    try:
        schedule: BatchSchedule = BatchSchedule.from_string(expression)
    except (ParseException, ValueError, TypeError) as error:
        raise ValueError(f"Celery refuses it: {str(error).splitlines()[0]}") from None
    try:
        due = schedule.next_run(now, ZoneInfo(zone))
    except ValueError:
        raise ValueError("no day ever matches it; correct the day and the month") from None
    if due - now > LONGEST_PAUSE:
        raise ValueError(f"it is not due before {due.year}; correct the day, the month and the day of the week")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"cannot be read; its port must be a number from 1 to 65535, and {_ENCODE}") from None
    if port is not None:
        _check_port(str(port))
    return parts


def _check_port(port: str) -> None:
    if port and not (port.isdecimal() and int(port) in PORTS):
        raise ValueError("its port must be a number from 1 to 65535")


def _check_file(name: str, path: Any) -> None:
    if path and not os.access(path, os.R_OK):
        raise ValueError(f"the file of its option {name} does not exist, or this process may not read it")
