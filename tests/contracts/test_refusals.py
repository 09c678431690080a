"""A refusal is distinguished from an outage, and its line names the right and the cure."""

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.database import Database, database_trouble, describe_error, make_engine
from contracts.progress import connect_redis
from contracts.refusals import Trouble, kafka_trouble, redis_trouble
from contracts.settings import Settings
from contracts.trouble_log import log_trouble

SET_IN_A_SCRIPT = "return redis.call('SET', KEYS[1], 1)"


def with_user(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
def redis_user(redis_client: redis.Redis) -> Iterator[str]:
    """A Redis user without a password, with all rights until a test takes some."""
    name = f"limited-{uuid4().hex[:8]}"
    redis_client.execute_command("ACL", "SETUSER", name, "on", ">secret", "~*", "&*", "+@all")
    yield name
    redis_client.acl_deluser(name)


@pytest.mark.parametrize(
    ("rules", "command", "right", "cure"),
    [
        ("resetchannels", ("PUBLISH", "a channel", "x"), "the channels", "&*"),
        ("-eval", ("EVAL", "return 1", "0"), "the command eval", "+eval"),
        ("-brpop", ("BRPOP", "a list", "1"), "the command brpop", "+brpop"),
        ("-xadd", ("XADD", "a stream", "*", "a", "b"), "the command xadd", "+xadd"),
        ("resetkeys", ("GET", "a key"), "the keys", "~*"),
        ("-@write", ("LPUSH", "a list", "x"), "the command lpush", "+lpush"),
        ("-set", ("EVAL", SET_IN_A_SCRIPT, "1", "k"), "a command inside a script", "+@all"),
        ("resetchannels", ("EVAL", "return redis.call('PUBLISH', 'c', 1)", "0"), "the channels", "&*"),
    ],
)
def test_a_right_that_redis_refuses_is_named_with_the_rule_that_grants_it(
    settings: Settings,
    redis_client: redis.Redis,
    redis_user: str,
    rules: str,
    command: tuple[str, ...],
    right: str,
    cure: str,
) -> None:
    redis_client.execute_command("ACL", "SETUSER", redis_user, rules)
    with pytest.raises(redis.ResponseError) as raised:
        connect_redis(with_user(settings.redis_url, redis_user, "secret")).execute_command(*command)
    state, detail, is_refusal = redis_trouble(raised.value)
    assert (state, is_refusal) == ("Redis refuses this process a right", True)
    if "'set'" in detail:  # Valkey names the command inside the script too
        right, cure = "the command set", "+set"
    assert detail.endswith(f"it needs {right}: ACL SETUSER <its user> {cure}")


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("The user executing the script can't run this command or subcommand script: on @user_script:1.", "+@all"),
        (
            "ACL failure in script: User u has no permissions to run the 'set' command script: on @user_script:1.",
            "+set",
        ),
        ("ACL failure in script: No permissions to access a channel script: on @user_script:1.", "&*"),
        ("ACL failure in script: No permissions to access a key script: on @user_script:1.", "~*"),
    ],
)
def test_a_right_that_a_script_lacks_is_named_in_the_words_of_redis_and_of_valkey(message: str, cure: str) -> None:
    state, detail, _ = redis_trouble(redis.ResponseError(message))
    assert state == "Redis refuses this process a right"
    assert detail.endswith(f"ACL SETUSER <its user> {cure}")


def test_an_error_of_a_script_that_is_not_about_rights_is_no_refusal_of_one() -> None:
    message = "Script attempted to access nonexistent global variable 'x' script: on @user_script:1."
    assert redis_trouble(redis.ResponseError(message)).state == "Redis rejects a command"


@pytest.mark.parametrize(("user", "password"), [("default", "wrong"), ("nobody", "secret")])
def test_a_login_that_redis_refuses_is_no_outage(settings: Settings, user: str, password: str) -> None:
    with pytest.raises(redis.RedisError) as raised:
        connect_redis(with_user(settings.redis_url, user, password)).ping()
    assert redis_trouble(raised.value).state == "Redis refuses the login of this process"
    assert "REDIS_URL" in redis_trouble(raised.value).detail
    assert password not in redis_trouble(raised.value).detail


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.", "its disk"),
        ("NOREPLICAS Not enough good replicas to write.", "min-replicas-to-write"),
        ("-OOM command not allowed when used memory > 'maxmemory'. script: on @user_script:1.", "raise its maxmemory"),
    ],
)
def test_a_state_in_which_redis_rejects_commands_is_named_with_its_cure(message: str, cure: str) -> None:
    trouble = redis_trouble(redis.ResponseError(message))
    assert trouble.state == "Redis rejects a command"
    assert trouble.detail.startswith(message)
    assert cure in trouble.detail[len(message) :]


def test_a_redis_that_does_not_answer_is_an_outage() -> None:
    with pytest.raises(redis.RedisError) as raised:
        connect_redis("redis://127.0.0.1:9/0").ping()
    assert redis_trouble(raised.value).state == "Redis is unavailable"
    assert not redis_trouble(raised.value).is_refusal


def test_the_error_of_redis_is_found_behind_that_of_kombu() -> None:
    error = OperationalError("no permissions")
    error.__cause__ = redis.exceptions.NoPermissionError("No permissions to access a channel")
    assert "&*" in redis_trouble(error).detail


@pytest.fixture
def postgres_user(database: Database) -> Iterator[str]:
    """A PostgreSQL role that may log in and has no other right."""
    name = f"limited_{uuid4().hex[:8]}"
    with database.engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'"))
    yield name
    with database.engine.connect() as connection:
        connection.execute(text(f"DROP ROLE {name}"))


@pytest.mark.parametrize(
    ("statement", "right"),
    [
        ("SELECT id FROM thoughts", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"),
        ("INSERT INTO batches (asked_at) VALUES (now())", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"),
        ("SELECT nextval('batches_id_seq')", "GRANT USAGE ON ALL SEQUENCES"),
        ("ALTER TABLE thoughts ADD COLUMN x int", "OWNER TO"),
        ("CREATE TABLE x (y int)", "GRANT USAGE ON SCHEMA"),
    ],
)
def test_a_right_that_postgresql_refuses_is_named_with_the_statement_that_grants_it(
    settings: Settings, postgres_user: str, statement: str, right: str
) -> None:
    engine = make_engine(with_user(settings.database_url, postgres_user, "secret"), "limited")
    with pytest.raises(SQLAlchemyError) as raised, engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
    trouble = database_trouble(raised.value)
    assert trouble.state == "PostgreSQL refuses this process a right"
    assert right in trouble.detail
    assert right in describe_error(raised.value)
    assert "alembic" not in trouble.detail


@pytest.mark.parametrize(
    "message",
    [
        'FATAL:  password authentication failed for user "app"',
        'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "app", no encryption',
        'FATAL:  role "app" does not exist',
        'FATAL:  role "app" is not permitted to log in',
        'FATAL:  permission denied for database "app"',
        "fe_sendauth: no password supplied",
    ],
)
def test_a_login_that_postgresql_refuses_is_no_outage(message: str) -> None:
    trouble = database_trouble(psycopg2.OperationalError(message))
    assert trouble.state == "PostgreSQL refuses the login of this process"
    assert "DATABASE_URL" in trouble.detail


def test_a_role_that_does_not_exist_is_named_by_the_real_server(settings: Settings) -> None:
    engine = make_engine(with_user(settings.database_url, "nobody_here", "secret"), "nobody")
    with pytest.raises(SQLAlchemyError) as raised:
        Database(engine).rows(text("SELECT 1"))
    assert database_trouble(raised.value).is_refusal


@pytest.mark.parametrize("message", ["Connection refused", "PostgreSQL did not answer within 5 s", "server closed it"])
def test_a_postgresql_that_does_not_answer_is_an_outage(message: str) -> None:
    assert not database_trouble(psycopg2.OperationalError(message)).is_refusal


@pytest.mark.parametrize(
    ("code", "part"),
    [(29, "KAFKA_TOPIC"), (30, "KAFKA_CONSUMER_GROUP"), (31, "cluster"), (58, "KAFKA_SASL"), (-169, "KAFKA_SASL")],
)
def test_a_refusal_of_kafka_names_the_right_or_the_login(code: int, part: str) -> None:
    trouble = kafka_trouble(code, "refused")
    assert trouble.is_refusal
    assert part in trouble.detail


@pytest.mark.parametrize("code", [-195, -187, 5, 7])
def test_other_errors_of_kafka_are_outages(code: int) -> None:
    assert kafka_trouble(code, "later") == Trouble("Kafka is unavailable", "later", is_refusal=False)


def test_a_refusal_is_logged_once_and_an_outage_each_time(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger(f"bridge.{uuid4().hex}")
    states: list[Any] = [Trouble("Redis refuses", "NOPERM"), Trouble("Redis is away", "timeout", is_refusal=False)]
    for trouble in states * 3:
        log_trouble(log, trouble, "work waits")
    assert [record.levelname for record in caplog.records if record.name == log.name].count("ERROR") == 1
    assert [record.levelname for record in caplog.records if record.name == log.name].count("WARNING") == 3
