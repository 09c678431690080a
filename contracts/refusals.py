"""Distinguishes a refusal from an outage: the server answers, but the account of this process lacks a right.

An outage ends without help. A refusal ends when somebody grants the right, so the log names the right and the cure.
Every process logs through these functions, so that the same refusal reads the same everywhere.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeVar

import psycopg2
from redis import exceptions as redis_errors

from contracts.redis_refusals import LOGIN, RIGHT, redis_refusal

Cause = TypeVar("Cause", bound=BaseException)


class Trouble(NamedTuple):
    """What is wrong with a server: the beginning of a log line, and its end."""

    state: str
    """A sentence without its full stop, such as "Redis is unavailable"."""
    detail: str
    """The server's message, and of a refusal also the missing right and how to grant it."""
    is_refusal: bool = True
    """Whether the server answers, so that the trouble lasts until somebody acts."""


DATABASE_LOGIN_CURE: Final = "correct DATABASE_URL, or let its user log in (pg_hba.conf, ALTER ROLE)"
KAFKA_LOGIN_CURE: Final = "correct KAFKA_SASL_* and KAFKA_SSL_*"

_REDIS_RIGHTS: Final = (
    (re.compile(r"run the '(?P<name>[\w|-]+)' command"), "the command {name}", "+{name}"),
    (re.compile("can't run this command"), "a command inside a script", "+@all"),
    (re.compile("channel"), "the channels", "&*"),
    (re.compile("key"), "the keys", "~*"),
)
"""What Redis says, the right that is missing, and the rule of ACL SETUSER that grants it."""

_DATABASE_RIGHTS: Final = (
    ("permission denied for schema", "GRANT USAGE ON SCHEMA public TO <its user>"),
    ("permission denied for sequence", "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO <its user>"),
    ("permission denied for database", "GRANT CONNECT ON DATABASE <name> TO <its user>"),
    ("permission denied for function", "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO <its user>"),
    ("must be owner", "ALTER TABLE <name> OWNER TO <its user>"),
    ("permission denied", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO <its user>"),
)
"""The beginning of PostgreSQL's message for SQLSTATE 42501, and the statement that grants the right."""

_DATABASE_LOGIN: Final = re.compile(
    r"authentication failed|no pg_hba\.conf entry|no password supplied|not permitted to log in"
    r"|role \".*\" does not exist|database \".*\" does not exist|permission denied for database"
)
"""What libpq says when the login is refused. psycopg2 passes on no SQLSTATE for it."""

_KAFKA_RIGHTS: Final = {
    29: "READ, WRITE and DESCRIBE on the topics of KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC",
    30: "READ on the group of KAFKA_CONSUMER_GROUP",
    31: "IDEMPOTENT_WRITE, and CREATE and DESCRIBE, on the cluster",
    53: "WRITE on the transactional id",
    65: "the right to use delegation tokens",
}
"""Error code of Kafka's protocol -> the right that is missing."""

_KAFKA_LOGIN: Final = {33, 34, 54, 58, -169, -181}
"""Error codes of a refused login: SASL mechanism, state, security and authentication, and librdkafka's own for
authentication and TLS."""


def redis_trouble(error: BaseException) -> Trouble:
    """Return what is wrong with Redis, also from an error of kombu that a redis-py error caused."""
    cause = _find(error, redis_errors.RedisError)
    refusal = redis_refusal(cause) if cause is not None else None
    line = _line(cause or error)
    if refusal is LOGIN:
        return Trouble("Redis refuses the login of this process", f"{line}; {LOGIN.cure}")
    if refusal is RIGHT:
        return Trouble("Redis refuses this process a right", _missing_redis_right(line))
    if isinstance(cause, redis_errors.ResponseError):
        return Trouble("Redis rejects a command", f"{line}; {refusal.cure}" if refusal else line)
    return Trouble("Redis is unavailable", line, is_refusal=False)


def postgres_refusal(error: BaseException) -> Trouble | None:
    """Return the right or the login that PostgreSQL refuses, or None for any other error of psycopg2 or SQLAlchemy."""
    cause = _find(error, psycopg2.Error)
    code, line = str(getattr(cause, "pgcode", None) or ""), _line(cause or error)
    if code == "42501":
        cure = next(grant for beginning, grant in _DATABASE_RIGHTS if beginning in f"{line} permission denied")
        return Trouble("PostgreSQL refuses this process a right", f"{line} ({code}); as a superuser: {cure}")
    if code.startswith("28") or (cause is not None and not code and _DATABASE_LOGIN.search(str(cause))):
        return Trouble("PostgreSQL refuses the login of this process", f"{line}; {DATABASE_LOGIN_CURE}")
    return None


def kafka_trouble(code: int, message: str) -> Trouble:
    """Return what is wrong with Kafka. `code` and `message` are those of confluent_kafka's KafkaError, which the web
    process does not load."""
    if code in _KAFKA_RIGHTS:
        cure = f"grant its user {_KAFKA_RIGHTS[code]} (kafka-acls.sh --add --allow-principal User:...)"
        return Trouble("Kafka refuses this process a right", f"{message}; {cure}")
    if code in _KAFKA_LOGIN:
        return Trouble("Kafka refuses the login of this process", f"{message}; {KAFKA_LOGIN_CURE}")
    return Trouble("Kafka is unavailable", message, is_refusal=False)


def is_redis_refusal(error: BaseException) -> bool:
    """Return whether Redis answers and refuses: a login, a right, or a command."""
    cause = _find(error, redis_errors.RedisError)
    return isinstance(cause, redis_errors.AuthenticationError | redis_errors.ResponseError)


def _missing_redis_right(line: str) -> str:
    for pattern, right, rule in _REDIS_RIGHTS:
        if found := pattern.search(line):
            names = found.groupdict()
            return f"{line}; it needs {right.format(**names)}: ACL SETUSER <its user> {rule.format(**names)}"
    return f"{line}; see ACL LIST and ACL SETUSER"


def _find(error: BaseException, kind: type[Cause]) -> Cause | None:
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        original = getattr(cause, "orig", None)
        cause = original if isinstance(original, BaseException) else cause.__cause__


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
