"""Lets the libraries that will read the addresses and the schedule of the settings check them. Nothing is connected to.

Each function raises ValueError, with a message of one line that says the cure and never shows a secret. The libraries
are imported in the functions, because the commands that need no setting should not load them.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit
from zoneinfo import ZoneInfo

from contracts.redis_urls import LARGEST_NUMBER, SCHEMES
from contracts.tls_files import TlsFiles, check_tls_files

PORTS: Final = range(1, 65536)

LONGEST_PAUSE: Final = timedelta(days=366 * 9)
"""The longest time between two runs of a schedule: 29 February comes after eight years at the latest."""

DEFAULT_KEY: Final = Path("~/.postgresql/postgresql.key")
"""The private key that libpq uses with a certificate for which the URL names none."""

LONGEST_WINDOW: Final = timedelta(days=366)
"""The longest window of a limit on requests; Redis keeps its counter that long."""

_LIBPQ_REFUSED: Final = frozenset({"async", "async_", "connection_factory", "cursor_factory", "dsn", "replication"})
"""Arguments of psycopg2 that are objects of Python, and what begins another kind of session."""

_LIBPQ_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
_LIBPQ_NUMBERS: Final = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
_REDIS_FILES: Final = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")

_AMQP: Final = ("amqp", "amqps", "pyamqp")
"""Brokers other than Redis. A Sentinel needs the name of its master, and messages in the memory or the files of one
machine reach no other process."""

_NO_SERVER: Final = "/nonexistent"
"""A directory for sockets that does not exist: libpq checks its parameters, and then finds no server there."""

_ENCODE: Final = "percent-encode special characters of the user and the password, such as %40 for @"


_SEVERAL: Final = "several servers are written as ?host=a:5432&host=b:5432"


def check_postgresql_url(url: str) -> None:
    """Let SQLAlchemy and libpq read a URL as `contracts.database` will pass it to them."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from contracts.database_session import url_arguments

    try:
        parsed, arguments = make_url(url), url_arguments(url)
    except (ValueError, ArgumentError):
        raise ValueError(f"cannot be read; its port must be a number, {_SEVERAL}, and {_ENCODE}") from None
    if refused := sorted(_LIBPQ_REFUSED & arguments.keys()):
        raise ValueError(f"its option {refused[0]} would change how the statements are sent; remove it")
    for port in str(arguments.get("port", "" if parsed.port is None else parsed.port)).split(","):
        _check_port(port)
    for name in _LIBPQ_FILES:
        if arguments.get(name) != "system":
            _check_file(name, arguments.get(name))
    for name in _LIBPQ_NUMBERS:
        _check_number(name, str(arguments.get(name, "0")))
    for address in filter(None, str(arguments.get("hostaddr", "")).split(",")):
        _check_ip_address(address)
    _check_with_libpq(arguments)
    _check_postgresql_tls(arguments)


def _check_number(name: str, value: str) -> None:
    if not (value.isascii() and value.isdecimal() and int(value) <= LARGEST_NUMBER):
        raise ValueError(f"its option {name} must be a number")


def _check_ip_address(address: str) -> None:
    try:
        ip_address(address)
    except ValueError:
        raise ValueError("its option hostaddr must be an IP address; write a name into the host") from None


def _check_postgresql_tls(arguments: Mapping[str, Any]) -> None:
    """Let OpenSSL read the files; libpq does so only when a server that uses TLS answers."""
    names = ("sslrootcert", "sslcert", "sslkey", "sslpassword")
    authorities, certificate, key, password = (arguments.get(name) for name in names)
    if arguments.get("sslmode") == "disable" or ":" in (key or ""):  # a key in a device: ENGINE:NAME
        return
    if key and Path(key).stat().st_mode & 0o077 and Path(key).stat().st_uid:
        raise ValueError("others may read the file of its option sslkey, which libpq refuses; chmod 600 it")
    own_key = key or (str(DEFAULT_KEY.expanduser()) if certificate else None)
    check_tls_files(TlsFiles(None if authorities == "system" else authorities, None, certificate, own_key, password))


def _check_with_libpq(arguments: Mapping[str, Any]) -> None:
    import psycopg2

    from contracts.database_session import forget_libpq_variables

    forget_libpq_variables()
    other_arguments = {name: value for name, value in arguments.items() if name not in {"hostaddr", "connect_timeout"}}
    if other_arguments.get("gssencmode") == "require":  # libpq knows the value, but not for a socket
        del other_arguments["gssencmode"]
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
    from contracts.redis_urls import check_options

    parts = _split(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    for name in _REDIS_FILES:
        _check_file(name, next(iter(options.get(name, ())), None))
    if not parts.path.removeprefix("/").isdecimal() and parts.path not in {"", "/"}:
        raise ValueError("must end with the number of a database, such as /0")
    check_options(url)


def check_broker_url(url: str) -> None:
    """Let kombu read the URLs of a broker, separated by semicolons, as Celery will pass them to it."""
    from kombu.connection import Connection

    for address in url.split(";"):
        scheme = address.partition("://")[0]
        if scheme in SCHEMES:
            check_redis_url(address)
            continue
        if scheme not in _AMQP:
            raise ValueError("must begin with redis://, rediss:// or amqp://: other brokers are not supported")
        _split(address)
        try:
            Connection(address).get_transport_cls()
        except TypeError:
            raise ValueError("has an option that Celery does not know; remove it") from None
        except (KeyError, ValueError):
            raise ValueError("has an option with a value that Celery refuses; correct or remove it") from None


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


def check_rate_limits(value: str) -> None:
    """Let the library `limits` read limits on requests, such as `5/minute,100/day`."""
    from limits import parse_many

    try:
        limits = parse_many(value)
    except ValueError:
        raise ValueError("must be limits such as 5/minute,100/day, or `off`") from None
    if any(limit.amount < 1 for limit in limits):
        raise ValueError("must allow at least one; to remove the limit, write `off`")
    if any(limit.get_expiry() > LONGEST_WINDOW.total_seconds() for limit in limits):
        raise ValueError("must not have a window longer than a year")


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
    if port and not (port.isascii() and port.isdecimal() and int(port) in PORTS):
        raise ValueError("its port must be a number from 1 to 65535")


def _check_file(name: str, path: Any) -> None:
    if path and not os.access(path, os.R_OK):
        raise ValueError(f"the file of its option {name} does not exist, or this process may not read it")
