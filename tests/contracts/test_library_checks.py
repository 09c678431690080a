"""What the settings accept is accepted by the libraries that read it; everything else is refused before a start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.settings import Settings, load_settings
from tests.contracts.test_settings import environment, load_error
from tests.stores import ROOT

__all__ = ["environment"]  # the fixture of an environment with only the required settings

SECRET = "do-not-show-me"
DATABASE, REDIS = f"postgresql://u:{SECRET}@localhost", f"redis://:{SECRET}@localhost"

REFUSED = [
    ("DATABASE_URL", f"{DATABASE}:abc/d", "cannot be read; its port must be a number"),
    ("DATABASE_URL", f"{DATABASE}:0/d", "its port must be a number from 1 to 65535"),
    ("DATABASE_URL", f"{DATABASE}:65536/d", "its port must be a number from 1 to 65535"),
    ("DATABASE_URL", f"{DATABASE}/d?no_such_option=1", "PostgreSQL's client refuses its options: "),
    ("DATABASE_URL", f"{DATABASE}/d?sslmode=reqiure", "PostgreSQL's client refuses it: invalid sslmode"),
    ("DATABASE_URL", f"{DATABASE}/d?target_session_attrs=writer", "PostgreSQL's client refuses it: "),
    ("DATABASE_URL", f"{DATABASE}/d?sslrootcert=/nonexistent/ca.pem", "the file of its option sslrootcert"),
    ("DATABASE_URL", f"{DATABASE}/d?keepalives_idle=often", "its option keepalives_idle must be a number"),
    ("REDIS_URL", f"{REDIS}:abc/0", "cannot be read; its port must be a number"),
    ("REDIS_URL", f"{REDIS}:0/0", "its port must be a number from 1 to 65535"),
    ("REDIS_URL", f"{REDIS}:65536/0", "cannot be read; its port"),
    ("REDIS_URL", f"{REDIS}/first", "must end with the number of a database"),
    ("DATABASE_URL", f"{DATABASE}/d?keepalives_idle=99999999999", "its option keepalives_idle must be a number"),
    ("DATABASE_URL", f"{DATABASE}/d?hostaddr=localhost", "its option hostaddr must be an IP address"),
    ("DATABASE_URL", f"{DATABASE}/d?async=1", "its option async would change how the statements are sent"),
    ("DATABASE_URL", f"{DATABASE}/d?cursor_factory=x", "its option cursor_factory would change"),
    ("DATABASE_URL", f"{DATABASE}/d?replication=true", "its option replication would change"),
    (
        "DATABASE_URL",
        f"postgresql://u:{SECRET}@a:1,b:2/d",
        "cannot be read; its port must be a number, several servers",
    ),
    ("REDIS_URL", f"{REDIS}/0?no_such_option=1", "may have only the options client_name, db, health_check_interval"),
    ("REDIS_URL", f"{REDIS}/0?socket_timeout=0", "may have only the options"),
    ("REDIS_URL", f"{REDIS}/0?max_connections=1", "may have only the options"),
    ("REDIS_URL", f"{REDIS}/0?redis_connect_func=x", "may have only the options"),
    ("REDIS_URL", f"{REDIS}/0?decode_responses=true", "may have only the options"),
    ("REDIS_URL", f"{REDIS}/0?health_check_interval=often", "has an option with a value that redis-py refuses"),
    ("REDIS_URL", f"{REDIS}/0?health_check_interval=-1", "the number of its database or of an option"),
    ("REDIS_URL", f"{REDIS}/99999999999", "the number of its database or of an option"),
    ("REDIS_URL", f"rediss://:{SECRET}@localhost/0?ssl_ca_certs=/nonexistent/ca.pem", "the file of its option ssl_ca"),
    ("REDIS_URL", f"rediss://:{SECRET}@localhost/0?ssl_cert_reqs=perhaps", "has an option with a value that redis-py"),
    ("CELERY_BROKER_URL", f"carrier-pigeon://u:{SECRET}@localhost", "must begin with redis://, rediss:// or amqp://"),
    ("CELERY_BROKER_URL", "memory://", "must begin with redis://, rediss:// or amqp://"),
    ("CELERY_BROKER_URL", "sentinel://a:26379/0", "must begin with redis://, rediss:// or amqp://"),
    ("CELERY_BROKER_URL", f"amqp://u:{SECRET}@localhost//?no_such_option=1", "has an option that Celery does not know"),
    ("CELERY_BROKER_URL", f"amqp://u:{SECRET}@localhost:abc//", "cannot be read; its port must be a number"),
    ("CELERY_BROKER_URL", f"{REDIS}/0;{REDIS}:0/0", "its port must be a number from 1 to 65535"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka:0", "a port must be a number from 1 to 65535"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,other:99999", "a port must be a number from 1 to 65535"),
    ("KAFKA_BOOTSTRAP_SERVERS", "SSL://kafka:9092", "must be host:port"),
    ("KAFKA_BOOTSTRAP_SERVERS", ",", "must be host:port"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka:٩٠٩٢", "must be host:port"),
    ("KAFKA_CONSUMER_GROUP", "thought\tworkers", "must be 1 to 255 visible ASCII characters"),
    ("KAFKA_CONSUMER_GROUP", "thought\u200bworkers", "must be 1 to 255 visible ASCII characters"),
    ("KAFKA_CONSUMER_GROUP", "g" * 256, "must be 1 to 255 visible ASCII characters"),
    ("KAFKA_LINGER_MS", "9000", "Input should be less than or equal to 5000"),
    ("KAFKA_LINGER_MS", "99999999999", "Input should be less than or equal to 5000"),
    ("KAFKA_BATCH_SIZE", "2147483648", "Input should be less than or equal to 2147483647"),
    ("KAFKA_PARTITIONS", "2147483648", "Input should be less than or equal to"),
    ("KAFKA_RETRY_BACKOFF_MS", "1" + "0" * 30, "Input should be less than or equal to"),
    ("LEASE_SECONDS", "1e300", "Input should be less than or equal to 86400"),
    ("LEASE_RENEW_SECONDS", "1e-9", "Input should be greater than or equal to"),
    ("LEASE_RENEW_SECONDS", "nan", "Input should be"),
    ("SSE_HEARTBEAT_INTERVAL", "60", "Input should be less than or equal to 50"),
    ("SSE_HEARTBEAT_INTERVAL", "inf", "Input should be"),
    ("WORKER_CONCURRENCY", "1000000", "Input should be less than or equal to"),
    ("SSE_MAX_CONNECTIONS", "1" + "0" * 20, "Input should be less than or equal to"),
    ("BATCH_SCHEDULE", "0 2 30 2 *", "Celery refuses it: Invalid crontab: day_of_month '30' never occurs"),
    ("BATCH_SCHEDULE", "0 2 31 4,6,9,11 *", "Celery refuses it: Invalid crontab"),
    ("BATCH_SCHEDULE", "61 2 * * *", "Celery refuses it"),
    ("BATCH_SCHEDULE", "0 2 * * someday", "Celery refuses it"),
    ("BATCH_SCHEDULE", "*/0 * * * *", "Celery refuses it"),
    ("BATCH_SCHEDULE", "1- 2 * * *", "Celery refuses it"),
    ("BATCH_SCHEDULE", "0 2 29 2 mon", "it is not due before 20"),
    ("HEARTBEAT_FILE", "/proc/nonexistent/heartbeat", "the directory of the file does not exist"),
    ("HEARTBEAT_FILE", "/tmp", "is a directory"),
    ("REDIS_SSE_PREFIX", "updates*", "must be 1 to 100 letters"),
]


@pytest.mark.parametrize(("name", "value", "expected"), REFUSED)
def test_a_value_that_its_library_refuses_is_refused_in_one_line(
    environment: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    message = load_error(environment, **{name: value})
    assert message.startswith(f"{name}: {expected}")
    assert "\n" not in message
    assert SECRET not in message


ACCEPTED = [
    ("DATABASE_URL", "postgresql:///thoughts"),
    ("DATABASE_URL", "postgresql://u:p%40ss@[::1]:5432/d?sslmode=verify-full&sslrootcert=system"),
    ("DATABASE_URL", "postgresql://u@/d?host=a:5432&host=b:5433&target_session_attrs=read-write"),
    ("DATABASE_URL", "postgresql://u@h/d?options=-csearch_path%3Dapp&keepalives_idle=30&connect_timeout=3"),
    ("DATABASE_URL", "postgresql://u@h/d?gssencmode=require"),
    ("REDIS_URL", "redis://localhost"),
    ("REDIS_URL", "redis://localhost/0?client_name=thoughts&db=5"),
    ("REDIS_URL", "rediss://user:p%40ss@[::1]:6380/15?ssl_cert_reqs=none&health_check_interval=30"),
    ("CELERY_BROKER_URL", "amqp://u:p@localhost:5672//"),
    ("CELERY_BROKER_URL", "redis://a:6379/0;rediss://b:6379/0"),
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka-1.example:9092, [::1]:9093,10.0.0.1:65535"),
    ("KAFKA_CONSUMER_GROUP", "team/thought workers"),
    ("BATCH_SCHEDULE", "0 2 29 2 *"),
    ("BATCH_SCHEDULE", "*/15 9-17 * * mon-fri"),
]


@pytest.mark.parametrize(("name", "value"), ACCEPTED)
def test_a_value_that_its_library_accepts_is_accepted(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    load_settings()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "postgresql://u@h/d\n", "postgresql+psycopg2://u@h/d"),
        ("REDIS_URL", " redis://h/0", "redis://h/0"),
        ("BATCH_SCHEDULE", " 0\t2  * * *\n", "0 2 * * *"),
        ("TIMEZONE", "Europe/Berlin ", "Europe/Berlin"),
    ],
)
def test_blanks_around_a_value_are_ignored(
    environment: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    """A secret that was made from a file often ends with a line break."""
    environment.setenv(name, value)
    assert getattr(load_settings(), name.lower()) == expected


def test_topics_that_kafka_takes_for_the_same_are_refused(environment: pytest.MonkeyPatch) -> None:
    message = load_error(environment, KAFKA_TOPIC="thought.work", KAFKA_EVENTS_TOPIC="thought_work")
    assert message.startswith("KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC: must be different")


def test_each_wrong_setting_has_its_own_line(environment: pytest.MonkeyPatch) -> None:
    message = load_error(environment, REDIS_URL="redis://h:abc", KAFKA_LINGER_MS="9000", TIMEZONE="Mars/Olympus")
    assert [line.partition(":")[0] for line in message.splitlines()] == ["REDIS_URL", "KAFKA_LINGER_MS", "TIMEZONE"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Chatham"])
def test_time_zones_are_known_where_the_system_has_no_database(zone: str, tmp_path: Path) -> None:
    """The package tzdata brings one."""
    done = _load_in_a_process(PYTHONTZPATH="", TIMEZONE=zone)
    assert (done.returncode, done.stderr) == (0, "")


def _load_in_a_process(**variables: str) -> "subprocess.CompletedProcess[str]":
    required = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "h:9092"}
    command = [sys.executable, "-c", "from contracts.settings import load_settings_or_exit as load; load()"]
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return subprocess.run(
        command, cwd=ROOT, env=kept | required | variables, capture_output=True, text=True, timeout=60, check=False
    )


COMMANDS = {
    "alembic": ["alembic", "upgrade", "head"],
    "relay": ["bridge", "relay"],
    "bridge": ["bridge", "run"],
    "batch": ["tasks", "batch"],
    "worker": ["celery", "-A", "tasks", "worker", "--pool", "threads", "--queues", "thoughts"],
    "flask": ["flask", "--app", "webapp", "routes"],
    "web": ["gunicorn", "--config", "python:webapp.gunicorn_conf", "--bind", "127.0.0.1:0", "webapp:create_app()"],
    "up": ["devstack", "up", "--dir", "DIRECTORY", "--detach"],
}


def run_command(command: list[str], directory: Path, **wrong: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with servers that do not exist and a wrong setting."""
    line, variables = command_line(command, directory, **wrong)
    return subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False)


def command_line(command: list[str], directory: Path, **wrong: str) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment of such a command."""
    addresses = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h", "KAFKA_BOOTSTRAP_SERVERS": "h:9092"}
    command = [str(directory / "stack") if argument == "DIRECTORY" else argument for argument in command]
    variables = {**os.environ, **addresses, "SECRET_KEY": "0123456789abcdef", **wrong}
    return [sys.executable, "-m", *command], variables


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_no_command_starts_with_a_schedule_that_never_comes(command: list[str], tmp_path: Path) -> None:
    done = run_command(command, tmp_path, BATCH_SCHEDULE="0 2 30 2 *")
    assert done.returncode != 0
    assert "Cannot start. BATCH_SCHEDULE: Celery refuses it" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "stack" / "postgres").exists()
