"""Defines the types of settings that must have a certain form; each refusal says what to write instead."""

import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, SecretStr

from contracts.library_checks import (
    PORTS,
    check_broker_url,
    check_postgresql_url,
    check_rate_limits,
    check_redis_url,
)

TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""The topic names that Kafka accepts."""

GROUP_NAME: Final = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
"""Kafka accepts any text, but its tools and metrics cannot name a group with invisible characters."""

HOST: Final = re.compile(r"\[[0-9A-Fa-f:.%A-Za-z]+\]|[^\s/:@\[\]]+")
"""A host name or IPv4 address, or an IPv6 address in brackets."""

REDIS_PREFIX: Final = re.compile(r"[A-Za-z0-9._:@/+~=-]{1,100}")
"""Redis accepts any bytes, but Celery subscribes to patterns, in which `*`, `?`, `[` and a backslash would match the
channels of other installations."""

NO_LIMIT: Final = "off"
"""The value of a limit on requests that does not apply. An empty value means the default, as for every setting."""

GENERATE_KEY: Final = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"

Address = tuple[str, int]
"""A host and a port."""


def parse_addresses(servers: str) -> list[Address]:
    """Parse a comma-separated list. Raises ValueError for an item that is not host:port."""
    addresses = []
    for server in filter(None, servers.split(",")):
        host, _, port = server.strip().rpartition(":")
        if not HOST.fullmatch(host) or not (port.isascii() and port.isdecimal()):
            raise ValueError("must be host:port; separate several brokers with commas")
        if int(port) not in PORTS:
            raise ValueError("a port must be a number from 1 to 65535")
        addresses.append((host.strip("[]"), int(port)))
    return addresses


def _postgresql_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise ValueError("must be a postgresql:// URL such as postgresql://user:password@host:5432/database")
    url = f"postgresql+psycopg2://{rest}"
    check_postgresql_url(url)
    return url


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://")):
        raise ValueError("must be a redis:// or rediss:// URL such as redis://host:6379/0")
    check_redis_url(value)
    return value


def redis_database(url: str) -> int:
    """Return the number of the database that a redis:// URL names, as redis-py reads it; 0 when it names none."""
    parts = urlsplit(url)
    [number] = parse_qs(parts.query).get("db", [parts.path.replace("/", "")])[:1]
    return int(number) if number.isdecimal() else 0


def _redis_prefix(value: str) -> str:
    if not REDIS_PREFIX.fullmatch(value):
        raise ValueError("must be 1 to 100 letters, digits or characters of ._:@/+~=- such as thought_updates")
    return value


def _broker_url(value: str) -> str:
    if value and "://" not in value:
        raise ValueError("must be a URL such as redis://host:6379/0; leave it out to use REDIS_URL")
    if value:
        check_broker_url(value)
    return value


def _hosts_and_ports(value: str) -> str:
    if value and not parse_addresses(value):
        raise ValueError("must be host:port; separate several brokers with commas")
    return value


def _group_name(value: str) -> str:
    if not GROUP_NAME.fullmatch(value):
        raise ValueError("must be 1 to 255 visible ASCII characters, such as thought-workers")
    return value


def _file_to_write(value: str) -> str:
    if value and Path(value).is_dir():
        raise ValueError("is a directory; choose a file in it")
    if value and not Path(value).resolve().parent.is_dir():
        raise ValueError("the directory of the file does not exist; create it, or choose another file")
    return value


def _topic_name(value: str) -> str:
    if not TOPIC_NAME.fullmatch(value) or value in {".", ".."}:
        raise ValueError("must be 1 to 249 letters, digits, dots, underscores or dashes, and not '.' or '..'")
    return value


def _time_zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if not available_timezones():
            raise ValueError("no time zone database is installed; install the package tzdata") from error
        raise ValueError("must be an IANA time zone such as Europe/Berlin or UTC") from error


def _five_fields(value: str) -> str:
    """Return the fields with one space between them, as Celery splits them."""
    if len(value.split()) != 5:
        raise ValueError("must be a cron expression of five fields, such as '0 2 * * *' for 02:00 every day")
    return " ".join(value.split())


def _long_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 16:
        raise ValueError(f"must have at least 16 random characters; set it to the output of: {GENERATE_KEY}")
    return value


def _rate_limits(value: str) -> str:
    if value != NO_LIMIT:
        check_rate_limits(value)
    return value


PostgresqlUrl = Annotated[str, AfterValidator(_postgresql_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
RedisPrefix = Annotated[str, AfterValidator(_redis_prefix)]
BrokerUrl = Annotated[str, AfterValidator(_broker_url)]
HostsAndPorts = Annotated[str, AfterValidator(_hosts_and_ports)]
TopicName = Annotated[str, AfterValidator(_topic_name)]
GroupName = Annotated[str, AfterValidator(_group_name)]
FileToWrite = Annotated[str, AfterValidator(_file_to_write)]
TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
CronExpression = Annotated[str, AfterValidator(_five_fields)]
SecretKey = Annotated[SecretStr, AfterValidator(_long_key)]
RateLimits = Annotated[str, AfterValidator(_rate_limits)]
