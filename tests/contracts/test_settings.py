"""Settings are read once, checked together, and rejected with one line per setting that never shows a value."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.settings import FORMER_NAMES, Settings, SettingsError, load_settings, load_settings_or_exit

REQUIRED = {
    "DATABASE_URL": "postgresql://thoughts@localhost/thoughts",
    "REDIS_URL": "redis://localhost:6379/0",
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
}

MISSING = "missing; set it in the environment or in .env (.env.example explains every setting)"

DOCUMENTED_DEFAULTS = {
    "kafka_enabled": True, "kafka_topic": "thought-processing", "kafka_consumer_group": "thought-workers",
    "kafka_partitions": 3, "kafka_group_protocol": "consumer", "kafka_dead_letter_topic": "thought-processing-dlq",
    "kafka_events_topic": "thought-events", "kafka_max_retries": 3, "kafka_retry_backoff_ms": 1000,
    "kafka_batch_size": 16384, "kafka_linger_ms": 10, "redis_sse_prefix": "thought_updates",
    "sse_max_connections": 1000, "worker_concurrency": 40, "lease_seconds": 20, "lease_renew_seconds": 5,
    "agent_timeout_seconds": 60, "batch_schedule": "0 2 * * *", "trust_user_id": False, "allow_scripted": False,
}  # fmt: skip
"""Defaults that other systems and operators rely on. Changing one would break them without an error."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with only the required settings, in a directory without a `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def load_error(environment: pytest.MonkeyPatch, **changes: str) -> str:
    """Return the error message for an environment with these changes."""
    for name, value in changes.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    return str(raised.value)


def test_the_documented_defaults_are_used() -> None:
    settings = load_settings()
    assert {name: getattr(settings, name) for name in DOCUMENTED_DEFAULTS} == DOCUMENTED_DEFAULTS


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_missing_setting_is_reported_by_name(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    assert load_error(environment) == f"{name}: {MISSING}"


def test_every_missing_setting_has_its_own_line(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    environment.delenv("REDIS_URL")
    assert load_error(environment).splitlines() == [f"DATABASE_URL: {MISSING}", f"REDIS_URL: {MISSING}"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"DATABASE_URL": "mysql://somewhere/db"}, "DATABASE_URL: must be a postgresql:// URL"),
        ({"DATABASE_URL": "localhost"}, "DATABASE_URL: must be a postgresql:// URL"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL: must be a redis:// or rediss:// URL"),
        ({"REDIS_SSE_PREFIX": "thoughts*"}, "REDIS_SSE_PREFIX: must be 1 to 100 letters, digits or characters of"),
        ({"REDIS_SSE_PREFIX": "[ab]"}, "REDIS_SSE_PREFIX: must be 1 to 100"),
        ({"REDIS_SSE_PREFIX": "two words"}, "REDIS_SSE_PREFIX: must be 1 to 100"),
        ({"KAFKA_BOOTSTRAP_SERVERS": ""}, "KAFKA_BOOTSTRAP_SERVERS: missing; set it to the brokers'"),
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
        ({"KAFKA_TOPIC": "thought-events"}, "KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC: must"),
        ({"TIMEZONE": "Mars/Olympus"}, "TIMEZONE: must be an IANA time zone"),
        ({"TIMEZONE": "../etc/passwd"}, "TIMEZONE: must be an IANA time zone"),
        ({"BATCH_SCHEDULE": "at night"}, "BATCH_SCHEDULE: must be a cron expression of five fields"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY: must have at least 16 random characters"),
        ({"TRUST_USER_ID": "perhaps"}, "TRUST_USER_ID: Input should be a valid boolean"),
        ({"AI_PROVIDER": "oracle"}, "AI_PROVIDER: Input should be 'offline', 'openai',"),
    ],
)
def test_a_wrong_value_is_rejected_in_one_line(
    environment: pytest.MonkeyPatch, changes: dict[str, str], expected: str
) -> None:
    message = load_error(environment, **changes)
    assert message.startswith(expected)
    assert "\n" not in message


@pytest.mark.parametrize(("former", "present"), FORMER_NAMES.items())
def test_a_former_name_is_rejected_with_the_present_name(
    environment: pytest.MonkeyPatch, former: str, present: str
) -> None:
    assert load_error(environment, **{former: "1"}) == f"{former}: was renamed; set {present} instead"


def test_a_former_name_in_the_env_file_is_rejected(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPEN_API=true\nPATIENCE_SECONDS=20\n")
    assert [line.partition(":")[0] for line in load_error(environment).splitlines()] == ["OPEN_API", "PATIENCE_SECONDS"]


def test_a_former_name_without_a_value_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPEN_API", "")
    assert not load_settings().trust_user_id


def test_bootstrap_servers_are_not_required_without_kafka(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("KAFKA_ENABLED", "false")
    assert not load_settings().consumes_kafka


def test_reading_from_kafka_requires_kafka_before_its_bootstrap_servers(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    message = load_error(environment, KAFKA_ENABLED="false", KAFKA_MODE="true")
    assert message.startswith("KAFKA_MODE: true needs KAFKA_ENABLED=true")


@pytest.mark.parametrize(
    ("enabled", "mode", "consumes"),
    [("true", "", True), ("false", "", False), ("true", "false", False)],
)
def test_kafka_mode_defaults_to_kafka_enabled(
    environment: pytest.MonkeyPatch, enabled: str, mode: str, consumes: bool
) -> None:
    environment.setenv("KAFKA_ENABLED", enabled)
    environment.setenv("KAFKA_MODE", mode)
    assert load_settings().consumes_kafka is consumes


def test_celery_uses_redis_url_unless_its_own_url_is_set(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().broker_url == REQUIRED["REDIS_URL"]
    environment.setenv("CELERY_BROKER_URL", "amqp://localhost")
    assert load_settings().broker_url == "amqp://localhost"


def test_max_attempts_is_one_more_than_the_retries(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_MAX_RETRIES", "0")
    assert load_settings().max_attempts == 1


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_the_database_url_selects_the_installed_driver(environment: pytest.MonkeyPatch, scheme: str) -> None:
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
def test_an_error_never_shows_the_value(environment: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    assert SECRET not in load_error(environment, **changes)


def test_an_error_of_a_cross_check_never_shows_other_values(environment: pytest.MonkeyPatch) -> None:
    message = load_error(environment, DATABASE_URL=f"postgresql://u:{SECRET}@host/db", LEASE_SECONDS="1")
    assert SECRET not in message


def test_logged_settings_do_not_contain_secrets(environment: pytest.MonkeyPatch) -> None:
    secret = f"{SECRET}-and-it-is-long"
    for name in ("SECRET_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_KEY_PASSWORD"):
        environment.setenv(name, secret)
    environment.setenv("DATABASE_URL", f"postgresql://u:{secret}@host/db")
    environment.setenv("REDIS_URL", f"redis://:{secret}@host")
    environment.setenv("CELERY_BROKER_URL", f"amqp://u:{secret}@host")
    settings = load_settings()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_settings_are_immutable() -> None:
    settings: Any = load_settings()
    with pytest.raises(ValidationError):
        settings.kafka_topic = "another"


def test_the_environment_overrides_the_env_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KAFKA_TOPIC=from-file\nKAFKA_EVENTS_TOPIC=from-file\nSOMETHING_ELSE=1\n")
    environment.setenv("KAFKA_EVENTS_TOPIC", "from-environment")
    settings = load_settings()
    assert (settings.kafka_topic, settings.kafka_events_topic) == ("from-file", "from-environment")


def test_an_empty_value_counts_as_not_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_PARTITIONS", "")
    environment.setenv("SECRET_KEY", "")
    settings = load_settings()
    assert (settings.kafka_partitions, settings.secret_key) == (3, None)


def test_load_settings_or_exit_exits_with_what_to_change(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TIMEZONE", "Mars/Olympus")
    with pytest.raises(SystemExit, match=r"^Cannot start\. TIMEZONE: must be an IANA time zone"):
        load_settings_or_exit()


def test_kafka_mode_without_kafka_is_rejected(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_ENABLED", "false")
    environment.setenv("KAFKA_MODE", "true")
    with pytest.raises(SettingsError, match="KAFKA_MODE"):
        load_settings()


def test_a_celery_broker_url_without_a_scheme_is_rejected(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CELERY_BROKER_URL", "localhost")
    with pytest.raises(SettingsError, match="CELERY_BROKER_URL"):
        load_settings()


def test_sasl_without_user_name_and_password_is_rejected(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SASL_MECHANISM", "PLAIN")
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME"):
        load_settings()


def test_a_bootstrap_server_without_a_port_is_rejected(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,other")
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        load_settings()
