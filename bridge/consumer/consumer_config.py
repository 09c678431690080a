"""How librdkafka is configured for the consumer of the work topic."""

from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import KafkaError, TopicPartition

from bridge.consumer.group_watch import client_id
from bridge.kafka.config import reader_config
from contracts.settings import Settings

SOCKET_TIMEOUT_MS: Final = 6_000
"""How long a request may take, and so the last commit of a bridge that stops while Kafka is unavailable."""

CLASSIC_METADATA_INTERVAL_MS: Final = 30_000
"""How soon a group of the classic protocol notices added partitions: a member assigns them, from its copy of the
metadata, which librdkafka renews every five minutes. With the consumer protocol the broker assigns them at once."""

CommitCallback = Callable[[KafkaError | None, list[TopicPartition]], None]


def consumer_config(settings: Settings, installation_id: str, on_commit: CommitCallback) -> dict[str, Any]:
    """Return the consumer's configuration; `on_commit` receives the results of its commits."""
    protocol: dict[str, Any] = {"group.protocol": settings.kafka_group_protocol}
    if settings.kafka_group_protocol == "classic":
        protocol |= {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6000,
            "topic.metadata.refresh.interval.ms": CLASSIC_METADATA_INTERVAL_MS,
        }
    return {
        **reader_config(settings, client_id(installation_id)),
        **protocol,
        "auto.offset.reset": "error",
        "socket.timeout.ms": SOCKET_TIMEOUT_MS,
        "on_commit": on_commit,
    }
