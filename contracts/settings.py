"""Turns the environment into one typed, frozen object. Only devstack reads it elsewhere, to pass it on.

Every process calls `load_settings()` once, at its entry point, and passes the object inward. A wrong or missing value
ends the process there, with one line per setting that says what to change. `.env.example` documents every setting; a
test compares the two files.
"""

import os
from collections.abc import Iterable
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts import env_file, foreign_variables
from contracts.library_checks import check_schedule
from contracts.limit_settings import LimitSettings
from contracts.logs import LogFormat
from contracts.model_settings import ModelSettings
from contracts.setting_errors import SettingsError as SettingsError
from contracts.setting_errors import describe_setting_error
from contracts.setting_values import (
    GENERATE_KEY,
    Address,
    BrokerUrl,
    CronExpression,
    FileToWrite,
    GroupName,
    HostsAndPorts,
    PostgresqlUrl,
    RedisPrefix,
    RedisUrl,
    SecretKey,
    TimeZoneName,
    TopicName,
    parse_addresses,
    redis_database,
)
from contracts.site_settings import SiteSettings

MAX_CLAIM_AGE_SHARE = 0.8
"""A call may start only within this share of LEASE_RENEW_SECONDS after its claim or renewal was sent (4 s of 5 s)."""

ENV_FILE: Final = ".env"

FORMER_NAMES: Final = {
    "OPEN_API": "TRUST_USER_ID",
    "PATIENCE_SECONDS": "LEASE_SECONDS",
    "RENEW_SECONDS": "LEASE_RENEW_SECONDS",
    "CALL_DEADLINE_SECONDS": "AGENT_TIMEOUT_SECONDS",
}
"""Former name -> present name. A former name ends the process, because ignoring it would silently use the default."""

CONFIG: Final = SettingsConfigDict(
    frozen=True,
    extra="ignore",
    env_file=ENV_FILE,
    env_file_encoding=env_file.ENCODING,
    env_ignore_empty=True,
    str_strip_whitespace=True,
    hide_input_in_errors=True,
)

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


class Settings(ModelSettings, SiteSettings, LimitSettings, BaseSettings):
    """The settings of all processes. Durations are in seconds, or in milliseconds if the name ends with `_ms`."""

    model_config = CONFIG

    database_url: PostgresqlUrl = Field(repr=False)
    redis_url: RedisUrl = Field(repr=False)
    redis_sse_prefix: RedisPrefix = "thought_updates"

    kafka_enabled: bool = True
    kafka_mode: bool | None = None
    kafka_bootstrap_servers: HostsAndPorts = ""
    kafka_topic: TopicName = "thought-processing"
    kafka_consumer_group: GroupName = "thought-workers"
    kafka_partitions: int = Field(default=3, ge=1, le=100_000)
    kafka_group_protocol: Literal["consumer", "classic"] = "consumer"
    kafka_dead_letter_topic: TopicName = "thought-processing-dlq"
    kafka_events_topic: TopicName = "thought-events"
    kafka_max_retries: int = Field(default=3, ge=0, le=100)
    kafka_retry_backoff_ms: int = Field(default=1000, ge=1, le=3_600_000)
    kafka_batch_size: int = Field(default=16384, ge=1, le=2**31 - 1)
    kafka_linger_ms: int = Field(default=10, ge=0, le=5_000)
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_location: str | None = None
    kafka_ssl_certificate_location: str | None = None
    kafka_ssl_key_location: str | None = None
    kafka_ssl_key_password: SecretStr | None = None

    celery_broker_url: BrokerUrl = Field(default="", repr=False)
    memory: bool = True

    worker_concurrency: int = Field(default=40, ge=1, le=10_000)
    lease_seconds: float = Field(default=20.0, gt=0, le=86_400, allow_inf_nan=False)
    lease_renew_seconds: float = Field(default=5.0, ge=0.05, le=3_600, allow_inf_nan=False)

    batch_schedule: CronExpression = "0 2 * * *"
    timezone: TimeZoneName = "UTC"

    sse_heartbeat_interval: float = Field(default=15.0, ge=0.01, le=50, allow_inf_nan=False)
    sse_max_connections: int = Field(default=1000, ge=1, le=100_000)
    secret_key: SecretKey | None = None
    trust_user_id: bool = False
    metrics_token: SecretKey | None = None
    webhook_loopback: bool = False
    canonical_host: Literal["127.0.0.1", "localhost", "::1"] | None = None

    heartbeat_file: FileToWrite = ""
    log_format: LogFormat = "text"

    @property
    def consumes_kafka(self) -> bool:
        """Whether the bridges read thoughts from Kafka; otherwise they process nightly batches from PostgreSQL."""
        return self.kafka_enabled if self.kafka_mode is None else self.kafka_mode

    @property
    def broker_url(self) -> str:
        """The URL of Celery's broker: CELERY_BROKER_URL, or REDIS_URL when that is not set."""
        return self.celery_broker_url or self.redis_url

    @property
    def redis_prefix(self) -> str:
        """The prefix of every key and channel in Redis: REDIS_SSE_PREFIX, and the number of another database than 0.

        Redis shares its channels among its databases, so installations in two of them would see each other's events.
        """
        number = redis_database(self.redis_url)
        return f"{self.redis_sse_prefix}.{number}" if number else self.redis_sse_prefix

    @property
    def kafka_addresses(self) -> list[Address]:
        """The brokers of KAFKA_BOOTSTRAP_SERVERS."""
        return parse_addresses(self.kafka_bootstrap_servers)

    @property
    def max_attempts(self) -> int:
        """The maximum number of calls per step: the first call and its retries, whose setting has a historical name."""
        return self.kafka_max_retries + 1

    @property
    def retry_backoff_seconds(self) -> float:
        """The pause before the first retry of a step. The setting's name is historical: it never concerns Kafka."""
        return self.kafka_retry_backoff_ms / 1000

    @property
    def liveness_timeout_seconds(self) -> float:
        """How long a process may miss its heartbeats, or a worker ignore waiting messages, before it is replaced.

        This is longer than one lease, after which other processes take over its thoughts; a worker reconnects to a
        returning broker within a second. The minimum of 15 s keeps a process alive that waits for PostgreSQL: it still
        touches its heartbeat every few seconds.
        """
        return max(15.0, 3 * self.lease_seconds)

    @property
    def max_claim_age_seconds(self) -> float:
        """How many seconds before the start of a paid call its claim or renewal may have been sent."""
        return MAX_CLAIM_AGE_SHARE * self.lease_renew_seconds

    def require_secret_key(self) -> str:
        """Return SECRET_KEY. There is no default, because with a known key anyone could forge a cookie.

        Raises SettingsError when it is missing.
        """
        if self.secret_key is None:
            raise SettingsError(
                f"SECRET_KEY: missing; the web process signs cookies with it. Set it to the output of: {GENERATE_KEY}"
            )
        return self.secret_key.get_secret_value()

    @model_validator(mode="after")
    def _require_different_topics(self) -> Self:
        topics = (self.kafka_topic, self.kafka_dead_letter_topic, self.kafka_events_topic)
        if len({topic.replace(".", "_") for topic in topics}) < 3:
            names = "KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC"
            raise ValueError(f"{names}: must be different, also with . for _; rename those that share a name")
        return self

    @model_validator(mode="after")
    def _require_schedule(self) -> Self:
        try:
            check_schedule(self.batch_schedule, self.timezone)
        except ValueError as error:
            raise ValueError(f"BATCH_SCHEDULE: {error}") from None
        return self

    @model_validator(mode="after")
    def _require_consistent_kafka_settings(self) -> Self:
        if self.consumes_kafka and not self.kafka_enabled:
            raise ValueError(
                "KAFKA_MODE: true needs KAFKA_ENABLED=true, because otherwise no accepted thought is sent to Kafka; "
                "set KAFKA_ENABLED=true, or KAFKA_MODE=false to process thoughts in nightly batches"
            )
        if self.kafka_enabled and not self.kafka_bootstrap_servers:
            raise ValueError(
                "KAFKA_BOOTSTRAP_SERVERS: missing; set it to the brokers' host:port, or set KAFKA_ENABLED=false to "
                "work without Kafka"
            )
        if self.kafka_security_protocol.startswith("SASL") and not self.kafka_sasl_mechanism:
            raise ValueError(
                "KAFKA_SASL_MECHANISM: missing; the SASL_* values of KAFKA_SECURITY_PROTOCOL need it: set it to PLAIN, "
                "SCRAM-SHA-256 or SCRAM-SHA-512"
            )
        if self.kafka_sasl_mechanism and not (self.kafka_sasl_username and self.kafka_sasl_password):
            raise ValueError("KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD: missing; set both for KAFKA_SASL_MECHANISM")
        return self

    @model_validator(mode="after")
    def _require_lease_beyond_renewals(self) -> Self:
        """A running call must not look lost, so a fresh claim, two renewals and one slow statement fit into a lease.

        The worker's statements are limited to LEASE_RENEW_SECONDS each, so the whole sum scales with it.
        """
        minimum = (MAX_CLAIM_AGE_SHARE + 2 + 1) * self.lease_renew_seconds
        if self.lease_seconds < minimum:
            raise ValueError(
                f"LEASE_SECONDS: must be at least {minimum:g} (3.8 x LEASE_RENEW_SECONDS); raise it, or lower "
                "LEASE_RENEW_SECONDS"
            )
        if self.agent_timeout_seconds < self.lease_renew_seconds:
            raise ValueError(
                "AGENT_TIMEOUT_SECONDS: must be at least LEASE_RENEW_SECONDS; raise it, or lower LEASE_RENEW_SECONDS"
            )
        return self


class ModelSettingsAlone(ModelSettings, BaseSettings):
    """The settings of commands that call models but no server of the system."""

    model_config = CONFIG


AnySettings = TypeVar("AnySettings", bound=ModelSettings)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and the file `.env` of the working directory; `overrides` win, for tests.

    Raises SettingsError with one line per setting, without the values, because they may be secrets, and one line per
    variable that a library would read instead of a setting.
    """
    foreign_variables.reject_for_every_process(os.environ)
    return _load(Settings, overrides)


def check_web_variables() -> None:
    """Check the variables that gunicorn and Flask read themselves. Raises SettingsError."""
    foreign_variables.reject_for_web(os.environ)


def prepare_celery_variables() -> None:
    """Check the variables that the command `celery` reads, and remove those that nobody chose. Raises SettingsError."""
    foreign_variables.prepare_for_celery(os.environ)


def load_model_settings() -> ModelSettings:
    """Read only the settings of the models, as load_settings does, so that no address of a server is required."""
    return _load(ModelSettingsAlone, {})


def _load(kind: type[AnySettings], overrides: dict[str, Any]) -> AnySettings:
    path = overrides.get("_env_file", ENV_FILE)
    file_values = env_file.read_env_file(path) if path else {}
    reject_former_names(name for name, value in {**file_values, **os.environ}.items() if value)
    try:
        settings = kind(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(describe_setting_error(details) for details in error.errors())) from None
    if settings.calls_a_model:
        foreign_variables.reject_for_models(os.environ)
    return settings


def reject_former_names(names: Iterable[str]) -> None:
    """Check that none of the names is the former name of a setting.

    Raises SettingsError with one line per former name.
    """
    former_names = sorted({name.upper() for name in names} & FORMER_NAMES.keys())
    if former_names:
        lines = (f"{name}: was renamed; set {FORMER_NAMES[name]} instead" for name in former_names)
        raise SettingsError("\n".join(lines))


def load_settings_or_exit() -> Settings:
    """Load the settings at an entry point. When they are wrong, print what to change and exit with status 1."""
    try:
        return load_settings()
    except SettingsError as error:
        raise SystemExit(f"Cannot start. {error}") from None
