"""How every client of this package reaches Kafka: one place for addresses, security and reconnection."""

import logging
import os
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr

from bridge.log_throttle import LogThrottle
from contracts.settings import Settings

Config = dict[str, Any]

SYSTEM_CA_PROBE: Final = "probe"
"""In the place of a file: librdkafka looks for the system's own certificates."""

RECONNECT_MS: Final = 1_000
"""The longest pause between two tries to connect; librdkafka's own 10 s would delay the work after an outage."""


def client_config(settings: Settings, name: str) -> Config:
    """librdkafka's configuration that producer, consumer and admin share; `name` is shown in the broker's log.

    Raises ValueError when no bootstrap server is set.
    """
    if not settings.kafka_bootstrap_servers:
        raise ValueError("KAFKA_BOOTSTRAP_SERVERS: missing; this process works on Kafka")
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
"""What is taken at once of what has come. librdkafka may hold as much again, and the rest of what it last unpacked."""

POLL_CHUNK: Final = 20
"""So many are taken between two looks at their size."""


def reader_config(settings: Settings, name: str) -> Config:
    """For who reads records and commits by itself what it means to. It is told where a log ends: a transaction's mark,
    which may stand last, is shown to no reader."""
    return {
        **client_config(settings, name),
        "group.id": settings.kafka_consumer_group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": POLL_MAX_BYTES // 1024,
    }


def poll_batch(consumer: Consumer, seconds: float) -> "list[Message[bytes, bytes]]":
    """What has come, waited for at most so long."""
    first = consumer.poll(seconds)
    chunk = [] if first is None else [first, *consumer.consume(POLL_CHUNK - 1, 0)]
    batch, size = [*chunk], sum(map(len, chunk))
    while len(chunk) == POLL_CHUNK and len(batch) < POLL_MAX and size < POLL_MAX_BYTES:
        chunk = consumer.consume(POLL_CHUNK, 0)
        batch += chunk
        size += sum(map(len, chunk))
    return batch


def check_config(settings: Settings) -> None:
    """Have librdkafka look at the configuration, and at the files that it names, before the work begins.

    Raises ValueError, in one line, when no client can be made of it.
    """
    for name in ("kafka_ssl_certificate_location", "kafka_ssl_key_location", "kafka_ssl_ca_location"):
        path = getattr(settings, name)
        if path not in {None, SYSTEM_CA_PROBE} and not os.access(path, os.R_OK):
            raise ValueError(f"{name.upper()}: there is no such file, or this process may not read it")
    try:
        AdminClient(client_config(settings, "check"))
    except KafkaException as refused:
        raise ValueError(f"KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* or KAFKA_SSL_*: {refused.args[0].str()}") from None


def require_usable_config(settings: Settings) -> None:
    """Raise SystemExit, with one line, when no client can be made of the settings."""
    try:
        check_config(settings)
    except ValueError as error:
        raise SystemExit(f"Cannot start. {error}") from None


def is_fatal(error: KafkaError) -> bool:
    """Whether the client will never work again. An error that comes as a message or a report lacks the flag."""
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001  librdkafka's own name


def client_logger() -> logging.Logger:
    """The logger for librdkafka's own lines: each kind at most every half minute.

    While Kafka is unavailable it would write several a second.
    """
    log = logging.getLogger("bridge.librdkafka")
    if not log.filters:
        log.addFilter(_ThrottleFilter())
    return log


class _ThrottleFilter(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._seldom = LogThrottle()

    def filter(self, record: logging.LogRecord) -> bool:
        """The first two values of a line are its kind (FAIL, GETPID) and the client."""
        return self._seldom.is_due(str(record.args[:2]) if isinstance(record.args, tuple) else record.msg)


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _without_none(options: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}
