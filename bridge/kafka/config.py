"""Configures every Kafka client of this package: addresses, security and reconnection in one place."""

import logging
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from contracts.kafka_tls import check_kafka_tls
from contracts.log_throttle import LogThrottle
from contracts.settings import Settings, SettingsError

Config = dict[str, Any]

RECONNECT_MS: Final = 1_000
"""The longest pause between two attempts to connect, in milliseconds. librdkafka's default of 10 s would delay the work
after an outage."""


def client_config(settings: Settings, name: str) -> Config:
    """Return the librdkafka configuration that producers, consumers and admin clients share.

    `name` is the client id, which the broker logs. Raises ValueError when no bootstrap server is set.
    """
    if not settings.kafka_bootstrap_servers:
        raise ValueError("KAFKA_BOOTSTRAP_SERVERS: missing; this command needs Kafka, set it to the brokers' host:port")
    return {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": name,
        "logger": client_logger(),
        "reconnect.backoff.max.ms": RECONNECT_MS,
        "socket.keepalive.enable": True,
        "security.protocol": settings.kafka_security_protocol,
        **_without_none(
            {
                "sasl.mechanism": settings.kafka_sasl_mechanism,
                "sasl.username": settings.kafka_sasl_username,
                "sasl.password": _secret_value(settings.kafka_sasl_password),
                "ssl.ca.location": settings.kafka_ssl_ca_location,
                "ssl.certificate.location": settings.kafka_ssl_certificate_location,
                "ssl.key.location": settings.kafka_ssl_key_location,
                "ssl.key.password": _secret_value(settings.kafka_ssl_key_password),
            }
        ),
    }


POLL_MAX: Final = 500
POLL_MAX_BYTES: Final = 8 * 1024 * 1024
"""Limits of one polled batch, in messages and bytes. librdkafka may hold as much again, plus the rest of the record
batch that it decompressed last."""

POLL_CHUNK: Final = 20
"""Messages that are consumed between two checks of the batch's size."""


def reader_config(settings: Settings, name: str) -> Config:
    """Return the configuration of a consumer that commits explicitly.

    The consumer is also informed when a partition ends, because a transaction marker may be the last entry of a log,
    and no consumer is shown those.
    """
    return {
        **client_config(settings, name),
        "group.id": settings.kafka_consumer_group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": POLL_MAX_BYTES // 1024,
    }


def poll_batch(consumer: Consumer, seconds: float) -> "list[Message[bytes, bytes]]":
    """Return the messages that have arrived, at most about POLL_MAX or POLL_MAX_BYTES.

    Wait up to `seconds` for the first one. Errors of partitions arrive as messages too.
    """
    first = consumer.poll(seconds)
    chunk = [] if first is None else [first, *consumer.consume(POLL_CHUNK - 1, 0)]
    batch, size = [*chunk], sum(map(len, chunk))
    while len(chunk) == POLL_CHUNK and len(batch) < POLL_MAX and size < POLL_MAX_BYTES:
        chunk = consumer.consume(POLL_CHUNK, 0)
        batch += chunk
        size += sum(map(len, chunk))
    return batch


def check_config(settings: Settings) -> None:
    """Let librdkafka validate the settings, and check the files that they name, before the work starts.

    Raises SettingsError or ValueError, with a message of one line, when no client can be created from them.
    """
    check_kafka_tls(settings)
    try:
        AdminClient(client_config(settings, "check"))
    except KafkaException as error:
        raise ValueError(f"KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* or KAFKA_SSL_*: {error.args[0].str()}") from None


def require_usable_config(settings: Settings) -> None:
    """Raise SystemExit, with a message of one line, when no client can be created from the settings."""
    try:
        check_config(settings)
    except (SettingsError, ValueError) as error:
        raise SystemExit(f"Cannot start. {error}") from None


def is_fatal(error: KafkaError) -> bool:
    """Return whether the client is permanently broken.

    Errors that arrive as a message or as a delivery report lack the flag, so the code is checked too.
    """
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001  librdkafka's own name


def client_logger() -> logging.Logger:
    """Return the logger for librdkafka's own lines, which logs each kind of line at most every 30 s.

    While Kafka is unavailable, librdkafka would log several lines a second.
    """
    logger = logging.getLogger("bridge.librdkafka")
    if not logger.filters:
        logger.addFilter(_ThrottleFilter())
    return logger


class _ThrottleFilter(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._throttle = LogThrottle()

    def filter(self, record: logging.LogRecord) -> bool:
        """Throttle by the first two values of a line: its kind (FAIL, GETPID) and the client."""
        return self._throttle.allow(str(record.args[:2]) if isinstance(record.args, tuple) else record.msg)


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _without_none(options: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}
