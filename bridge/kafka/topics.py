"""The three topics and what they must allow; whoever provides Kafka has them made once, before the first process."""

import logging
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from bridge.kafka.config import client_config
from contracts.settings import Settings

log = logging.getLogger(__name__)

MAX_WORK_BATCH_BYTES: Final = 1_048_588
"""Kafka's own default of the largest record batch, as it is sent: what comes packed may be larger."""

MAX_DEAD_LETTER_VALUE_BYTES: Final = 16 * 1024 * 1024
"""The largest value that a dead letter has room for. Nothing bounds what a packed one unpacks to, and one that could
not be stored within a statement's time would stop its partition; for this one PostgreSQL takes an eighth of it."""

MAX_DEAD_LETTER_RECORD_BYTES: Final = MAX_DEAD_LETTER_VALUE_BYTES + MAX_WORK_BATCH_BYTES + 65_536
"""A dead letter carries the original's value, its key and headers, and up to 64 KiB of headers that say why."""

MAX_MESSAGE_BYTES: Final = "max.message.bytes"

BROKER_DEFAULT: Final = -1
REQUEST_TIMEOUT_SECONDS: Final = 30


def create_topics(settings: Settings) -> list[str]:
    """Make the topics that are not there yet and return their names; those that are there stay as they are.

    Raises KafkaException when Kafka is unavailable or refuses.
    """
    client = AdminClient(client_config(settings, "topics"))
    wanted = _wanted_topics(settings)
    asked = client.create_topics(
        wanted, operation_timeout=REQUEST_TIMEOUT_SECONDS, request_timeout=REQUEST_TIMEOUT_SECONDS
    )
    made = [name for name, answer in asked.items() if _was_created(name, answer)]
    for topic in wanted:
        if topic.topic not in made:
            _warn_of_differences(client, topic)
    return made


def _wanted_topics(settings: Settings) -> list[NewTopic]:
    configs: dict[str, dict[str, str]] = {
        settings.kafka_topic: {MAX_MESSAGE_BYTES: str(MAX_WORK_BATCH_BYTES)},
        settings.kafka_events_topic: {},
        settings.kafka_dead_letter_topic: {MAX_MESSAGE_BYTES: str(MAX_DEAD_LETTER_RECORD_BYTES)},
    }
    return [
        NewTopic(name, settings.kafka_partitions, BROKER_DEFAULT, config=config) for name, config in configs.items()
    ]


def _was_created(name: str, made: "Future[None]") -> bool:
    try:
        made.result()
    except KafkaException as refused:
        if refused.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        log.info("Topic %s is there already and stays as it is.", name)
        return False
    log.info("Topic %s was made.", name)
    return True


def _warn_of_differences(client: AdminClient, topic: NewTopic) -> None:
    """Say how a topic that is there differs. Where it takes larger records than its dead letters may have, those become
    dead letters without their bytes; where it takes less, the relay's may be refused."""
    resource = ConfigResource(ResourceType.TOPIC, topic.topic)
    try:
        found = client.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_SECONDS)[resource].result()
    except KafkaException as refused:
        log.warning("What topic %s allows could not be looked at: %s", topic.topic, refused.args[0].str())
        return
    for name, wanted in (topic.config or {}).items():
        if (there := found[name].value) != wanted:
            log.warning("Topic %s has %s=%s and should have %s.", topic.topic, name, there, wanted)
