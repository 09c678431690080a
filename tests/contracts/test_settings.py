"""Settings are read once, checked together, and refused with one line a variable that never shows a value."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.settings import FORMER_NAMES, Settings, SettingsError, load_settings, load_settings_or_exit

LEAST = {
    "DATABASE_URL": "postgresql://thoughts@localhost/thoughts",
    "REDIS_URL": "redis://localhost:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
}

PROMISED = {
    "kafka_enabled": True, "kafka_topic": "thought-processing", "kafka_consumer_group": "thought-workers",
    "kafka_partitions": 3, "kafka_group_protocol": "consumer", "kafka_dead_letter_topic": "thought-processing-dlq",
    "kafka_events_topic": "thought-events", "kafka_max_retries": 3, "kafka_retry_backoff_ms": 1000,
    "kafka_batch_size": 16384, "kafka_linger_ms": 10, "redis_sse_prefix": "thought_updates",
    "sse_max_connections": 1000, "worker_concurrency": 40, "lease_seconds": 20, "lease_renew_seconds": 5,
    "agent_timeout_seconds": 60, "batch_schedule": "0 2 * * *", "trust_user_id": False, "allow_scripted": False,
}  # fmt: skip
"""Defaults that other systems and people's notes rely on; a change breaks them in silence."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with what is needed at least, in a directory without a `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in LEAST.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def refusal(environment: pytest.MonkeyPatch, **changes: str) -> str:
    """What is said about an environment with these changes."""
    for name, value in changes.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return str(refused.value)


def test_the_promised_defaults_hold() -> None:
    settings = load_settings()
    assert {name: getattr(settings, name) for name in PROMISED} == PROMISED


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_missing_name_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    assert refusal(environment) == f"{name}: missing"


def test_every_missing_name_has_a_line_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    environment.delenv("REDIS_URL")
    assert refusal(environment).splitlines() == ["DATABASE_URL: missing", "REDIS_URL: missing"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": "mysql://somewhere/db"}, "DATABASE_URL: must be a postgresql:// address"),
        ({"DATABASE_URL": "localhost"}, "DATABASE_URL: must be a postgresql:// address"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: must be a redis:// or rediss:// address"),
        ({"KAFKA_BOOTSTRAP_SERVERS": ""}, "KAFKA_BOOTSTRAP_SERVERS: missing; set it, or KAFKA_ENABLED=false"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_MECHANISM: missing;"),
        ({"KAFKA_SECURITY_PROTOCOL": "PLAIN"}, "KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT',"),
        ({"KAFKA_PARTITIONS": "0"}, "KAFKA_PARTITIONS: Input should be greater than or equal to 1"),
        ({"KAFKA_PARTITIONS": "three"}, "KAFKA_PARTITIONS: Input should be a valid integer"),
        ({"KAFKA_MAX_RETRIES": "-1"}, "KAFKA_MAX_RETRIES: "),
        ({"LEASE_SECONDS": "18.9"}, "LEASE_SECONDS: must be at least 19 (3.8 x LEASE_RENEW_SECONDS)"),
        ({"LEASE_RENEW_SECONDS": "6"}, "LEASE_SECONDS: must be at least 22.8 (3.8 x LEASE_RENEW_SECONDS)"),
        ({"AGENT_TIMEOUT_SECONDS": "4"}, "AGENT_TIMEOUT_SECONDS: must be at least LEASE_RENEW_SECONDS"),
        ({"LEASE_SECONDS": "nan"}, "LEASE_SECONDS: "),
        ({"LEASE_SECONDS": "inf"}, "LEASE_SECONDS: Input should be a finite number"),
        ({"KAFKA_TOPIC": "thoughts!"}, "KAFKA_TOPIC: must be 1 to 249 letters, digits,"),
        ({"KAFKA_TOPIC": "thought-events"}, "KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC: must be"),
        ({"TIMEZONE": "Mars/Olympus"}, "TIMEZONE: must be an IANA time zone"),
        ({"TIMEZONE": "../etc/passwd"}, "TIMEZONE: must be an IANA time zone"),
        ({"BATCH_SCHEDULE": "at night"}, "BATCH_SCHEDULE: must be a cron line of five fields"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY: must have at least 16 characters"),
        ({"TRUST_USER_ID": "perhaps"}, "TRUST_USER_ID: Input should be a valid boolean"),
        ({"AI_PROVIDER": "oracle"}, "AI_PROVIDER: Input should be 'offline' or 'scripted'"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(
    environment: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    message = refusal(environment, **changes)
    assert message.startswith(said)
    assert "\n" not in message


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_a_former_name_is_refused_with_the_present_one(
    environment: pytest.MonkeyPatch, former: str, present: str
) -> None:
    assert refusal(environment, **{former: "1"}) == f"{former}: was renamed; set {present} instead"


def test_a_former_name_in_the_env_file_is_refused_too(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPEN_API=true\nPATIENCE_SECONDS=20\n")
    assert [line.partition(":")[0] for line in refusal(environment).splitlines()] == ["OPEN_API", "PATIENCE_SECONDS"]


def test_a_former_name_without_a_value_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPEN_API", "")
    assert not load_settings().trust_user_id


def test_without_kafka_no_broker_is_needed(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("KAFKA_ENABLED", "false")
    assert not load_settings().consumes_kafka


def test_a_background_side_that_works_on_kafka_needs_a_broker(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    said = refusal(environment, KAFKA_ENABLED="false", KAFKA_MODE="true")
    assert said.startswith("KAFKA_BOOTSTRAP_SERVERS: missing")


@pytest.mark.parametrize(
    ("enabled", "mode", "takes"),
    [("true", "", True), ("false", "", False), ("true", "false", False)],
)
def test_the_mode_follows_kafka_unless_it_is_set(
    environment: pytest.MonkeyPatch, enabled: str, mode: str, takes: bool
) -> None:
    environment.setenv("KAFKA_ENABLED", enabled)
    environment.setenv("KAFKA_MODE", mode)
    assert load_settings().consumes_kafka is takes


def test_celery_uses_redis_unless_told_otherwise(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().broker_url == LEAST["REDIS_URL"]
    environment.setenv("CELERY_BROKER_URL", "amqp://localhost")
    assert load_settings().broker_url == "amqp://localhost"


def test_a_step_is_begun_once_more_than_it_is_retried(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_MAX_RETRIES", "0")
    assert load_settings().max_attempts == 1


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_any_postgresql_address_names_the_driver_that_is_installed(
    environment: pytest.MonkeyPatch, scheme: str
) -> None:
    environment.setenv("DATABASE_URL", f"{scheme}://user:p%40ss@host:5432/name?sslmode=require")
    assert load_settings().database_url == "postgresql+psycopg2://user:p%40ss@host:5432/name?sslmode=require"


SECRET = "do-not-show-me"


@pytest.mark.parametrize(
    "changes",
    [
        {"DATABASE_URL": f"mysql://user:{SECRET}@host/db"},
        {"REDIS_URL": f"http://:{SECRET}@host"},
        {"SECRET_KEY": SECRET},
        {"KAFKA_PARTITIONS": SECRET},
        {"TRUST_USER_ID": SECRET},
        {"KAFKA_SECURITY_PROTOCOL": SECRET},
    ],
)
def test_a_refusal_never_shows_the_value(environment: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    assert SECRET not in refusal(environment, **changes)


def test_a_cross_check_does_not_show_the_other_values(environment: pytest.MonkeyPatch) -> None:
    said = refusal(environment, DATABASE_URL=f"postgresql://u:{SECRET}@host/db", LEASE_SECONDS="1")
    assert SECRET not in said


def test_settings_can_be_logged_without_their_secrets(environment: pytest.MonkeyPatch) -> None:
    secret = f"{SECRET}-and-it-is-long"
    for name in ("SECRET_KEY", "AI_API_KEY", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_KEY_PASSWORD"):
        environment.setenv(name, secret)
    environment.setenv("DATABASE_URL", f"postgresql://u:{secret}@host/db")
    environment.setenv("REDIS_URL", f"redis://:{secret}@host")
    environment.setenv("CELERY_BROKER_URL", f"amqp://u:{secret}@host")
    settings = load_settings()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_settings_cannot_be_changed() -> None:
    settings: Any = load_settings()
    with pytest.raises(ValidationError):
        settings.kafka_topic = "another"


def test_an_env_file_is_read_and_the_environment_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_TOPIC=from-file\nKAFKA_EVENTS_TOPIC=from-file\nSOMETHING_ELSE=1\n")
    environment.setenv("KAFKA_EVENTS_TOPIC", "from-environment")
    settings = load_settings()
    assert (settings.kafka_topic, settings.kafka_events_topic) == ("from-file", "from-environment")


def test_an_empty_value_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_PARTITIONS", "")
    environment.setenv("SECRET_KEY", "")
    settings = load_settings()
    assert (settings.kafka_partitions, settings.secret_key) == (3, None)


def test_an_entry_point_ends_with_what_to_mend(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TIMEZONE", "Mars/Olympus")
    with pytest.raises(SystemExit, match=r"^Cannot start\. TIMEZONE: must be an IANA time zone"):
        load_settings_or_exit()


def test_work_from_kafka_without_kafka_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_ENABLED", "false")
    environment.setenv("KAFKA_MODE", "true")
    with pytest.raises(SettingsError, match="KAFKA_MODE"):
        load_settings()


def test_a_broker_address_that_is_none_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CELERY_BROKER_URL", "localhost")
    with pytest.raises(SettingsError, match="CELERY_BROKER_URL"):
        load_settings()


def test_sasl_without_a_name_and_a_password_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SASL_MECHANISM", "PLAIN")
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME"):
        load_settings()


def test_a_bootstrap_server_without_a_port_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,other")
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        load_settings()
