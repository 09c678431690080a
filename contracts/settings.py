"""The environment, read here and nowhere else, into one typed frozen object.

Every process calls `load_settings()` once, at its entry point, and passes the object inward. A wrong or missing
value ends the process there, with one line a variable. `.env.example` documents every name; a test compares the two.
"""

import os
import re
from collections.abc import Iterable
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.logs import LogFormat

MAX_CLAIM_AGE_SHARE = 0.8
"""A call may start only within this share of LEASE_RENEW_SECONDS after a claim or a renewal was sent (4 s of 5 s)."""

TOPIC_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes for a topic's name."""

ENV_FILE: Final = ".env"

FORMER_NAMES: Final = {
    "OPEN_API": "TRUST_USER_ID",
    "PATIENCE_SECONDS": "LEASE_SECONDS",
    "RENEW_SECONDS": "LEASE_RENEW_SECONDS",
    "CALL_DEADLINE_SECONDS": "AGENT_TIMEOUT_SECONDS",
}
"""Former name -> present name. A former name stops the process, because ignoring it would silently use the default."""

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


class SettingsError(Exception):
    """Raised when the environment is unusable; the message has one line for each variable to mend."""


class Settings(BaseSettings):
    """All settings of all processes. Seconds and milliseconds are said in the name."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=ENV_FILE, env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: str = Field(repr=False)
    redis_url: str = Field(repr=False)
    redis_sse_prefix: str = "thought_updates"

    kafka_enabled: bool = True
    kafka_mode: bool | None = None
    kafka_bootstrap_servers: str = ""
    kafka_topic: str = "thought-processing"
    kafka_consumer_group: str = "thought-workers"
    kafka_partitions: int = Field(default=3, ge=1)
    kafka_group_protocol: Literal["consumer", "classic"] = "consumer"
    kafka_dead_letter_topic: str = "thought-processing-dlq"
    kafka_events_topic: str = "thought-events"
    kafka_max_retries: int = Field(default=3, ge=0, le=100)
    kafka_retry_backoff_ms: int = Field(default=1000, ge=1)
    kafka_batch_size: int = Field(default=16384, ge=1)
    kafka_linger_ms: int = Field(default=10, ge=0)
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_location: str | None = None
    kafka_ssl_certificate_location: str | None = None
    kafka_ssl_key_location: str | None = None
    kafka_ssl_key_password: SecretStr | None = None

    celery_broker_url: str = Field(default="", repr=False)
    worker_concurrency: int = Field(default=40, ge=1)
    lease_seconds: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    lease_renew_seconds: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    agent_timeout_seconds: float = Field(default=60.0, gt=0, le=480)

    batch_schedule: str = "0 2 * * *"
    timezone: str = "UTC"

    sse_heartbeat_interval: float = Field(default=15.0, gt=0, allow_inf_nan=False)
    sse_max_connections: int = Field(default=1000, ge=1)
    secret_key: SecretStr | None = None
    trust_user_id: bool = False

    ai_provider: Literal["offline", "scripted"] = "offline"
    ai_api_key: SecretStr | None = None
    allow_scripted: bool = False
    scripted_delay_ms: int = Field(default=0, ge=0)
    scripted_call_log: str = ""

    heartbeat_file: str = ""
    log_format: LogFormat = "text"

    @property
    def consumes_kafka(self) -> bool:
        """Whether the background side works on Kafka's records (else: on batches)."""
        return self.kafka_enabled if self.kafka_mode is None else self.kafka_mode

    @property
    def broker_url(self) -> str:
        """The address of Celery's broker: REDIS_URL unless CELERY_BROKER_URL says otherwise."""
        return self.celery_broker_url or self.redis_url

    @property
    def max_attempts(self) -> int:
        """Calls a step may begin in all: the first one and its retries."""
        return self.kafka_max_retries + 1

    @property
    def liveness_timeout_seconds(self) -> float:
        """How long a process may show no life, or a worker take no message that waits for it, before it is replaced.

        Others take over its work after one patience; a broker that comes back is found again within the second. However
        short the patience, one that waits for PostgreSQL is not silent yet: it says so every few seconds.
        """
        return max(15.0, 3 * self.lease_seconds)

    @property
    def max_claim_age_seconds(self) -> float:
        """How old a claim's or a renewal's sending may be when the paid call starts."""
        return MAX_CLAIM_AGE_SHARE * self.lease_renew_seconds

    def require_secret_key(self) -> str:
        """SECRET_KEY, for the web. Raises SettingsError when it is missing: a default would let anyone forge one."""
        if self.secret_key is None:
            raise SettingsError("SECRET_KEY: missing; the web signs cookies with it (at least 16 random characters)")
        return self.secret_key.get_secret_value()

    @field_validator("database_url")
    @classmethod
    def _names_its_driver(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg2"}:
            raise ValueError("must be a postgresql:// address")
        return f"postgresql+psycopg2://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _is_a_redis_address(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://")):
            raise ValueError("must be a redis:// or rediss:// address")
        return value

    @field_validator("celery_broker_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and "://" not in value:
            raise ValueError("must be an address such as redis://host:6379/0")
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _names_hosts_and_ports(cls, value: str) -> str:
        for server in filter(None, value.split(",")):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError("must be host:port, several of them separated by commas")
        return value

    @field_validator("kafka_topic", "kafka_dead_letter_topic", "kafka_events_topic")
    @classmethod
    def _is_a_topic(cls, value: str) -> str:
        if not TOPIC_NAME.fullmatch(value) or value in {".", ".."}:
            raise ValueError("must be 1 to 249 letters, digits, dots, underscores or dashes")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_known_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError("must be an IANA time zone such as Europe/Berlin") from unknown

    @field_validator("batch_schedule")
    @classmethod
    def _has_five_fields(cls, value: str) -> str:
        if len(value.split()) != 5:
            raise ValueError("must be a cron line of five fields such as '0 2 * * *'")
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters, chosen at random")
        return value

    @model_validator(mode="after")
    def _topics_differ(self) -> Self:
        if len({self.kafka_topic, self.kafka_dead_letter_topic, self.kafka_events_topic}) < 3:
            raise ValueError("KAFKA_TOPIC, KAFKA_DEAD_LETTER_TOPIC and KAFKA_EVENTS_TOPIC: must be three topics")
        return self

    @model_validator(mode="after")
    def _kafka_is_addressed(self) -> Self:
        if (self.kafka_enabled or self.consumes_kafka) and not self.kafka_bootstrap_servers:
            raise ValueError("KAFKA_BOOTSTRAP_SERVERS: missing; set it, or KAFKA_ENABLED=false")
        if self.consumes_kafka and not self.kafka_enabled:
            raise ValueError("KAFKA_MODE: true needs KAFKA_ENABLED=true, or nobody would ring for a thought")
        if self.kafka_security_protocol.startswith("SASL") and not self.kafka_sasl_mechanism:
            raise ValueError("KAFKA_SASL_MECHANISM: missing; KAFKA_SECURITY_PROTOCOL asks for SASL")
        if self.kafka_sasl_mechanism and not (self.kafka_sasl_username and self.kafka_sasl_password):
            raise ValueError("KAFKA_SASL_USERNAME: missing, or KAFKA_SASL_PASSWORD; KAFKA_SASL_MECHANISM needs both")
        return self

    @model_validator(mode="after")
    def _patience_outlasts_a_renewal(self) -> Self:
        """A live call must never look dead: a fresh claim, two renewals and one slow statement fit into the patience.

        Statements of a worker are bounded by LEASE_RENEW_SECONDS itself, so the whole sum scales with it.
        """
        least = (MAX_CLAIM_AGE_SHARE + 2 + 1) * self.lease_renew_seconds
        if self.lease_seconds < least:
            raise ValueError(f"LEASE_SECONDS: must be at least {least:g} (3.8 x LEASE_RENEW_SECONDS)")
        if self.agent_timeout_seconds < self.lease_renew_seconds:
            raise ValueError("AGENT_TIMEOUT_SECONDS: must be at least LEASE_RENEW_SECONDS")
        return self


def load_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env` in the working directory; `overrides` win, for tests.

    Raises SettingsError with one line per variable, without the values, because they may be secrets.
    """
    env_file = overrides.get("_env_file", ENV_FILE)
    from_file = dotenv_values(env_file) if env_file else {}
    require_present_names(name for name, value in {**from_file, **os.environ}.items() if value)
    try:
        return Settings(**overrides)
    except ValidationError as invalid:
        raise SettingsError("\n".join(_line(error) for error in invalid.errors())) from None


def require_present_names(names: Iterable[str]) -> None:
    """Raise SettingsError, with one line per variable, when one of the names is a former name of a setting."""
    former = sorted({name.upper() for name in names} & FORMER_NAMES.keys())
    if former:
        raise SettingsError("\n".join(f"{name}: was renamed; set {FORMER_NAMES[name]} instead" for name in former))


def load_settings_or_exit() -> Settings:
    """`load_settings` for entry points: says what to mend on standard error and ends the process with status 1."""
    try:
        return load_settings()
    except SettingsError as unusable:
        raise SystemExit(f"Cannot start. {unusable}") from None


def _line(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    name = str(error["loc"][0]).upper()
    return f"{name}: missing" if error["type"] == "missing" else f"{name}: {message}"
