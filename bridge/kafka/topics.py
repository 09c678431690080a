"""Creates the three topics.

The person who provides Kafka creates them once, before the first process starts.
"""

import logging
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from bridge.kafka.config import client_config
from bridge.kafka.limits import MAX_DEAD_LETTER_RECORD_BYTES, MAX_WORK_BATCH_BYTES
from contracts.settings import Settings

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = "max.message.bytes"

BROKER_DEFAULT: Final = -1
REQUEST_TIMEOUT_SECONDS: Final = 30


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that do not exist and return their names; existing topics are not changed.

    Raises KafkaException when Kafka is unavailable or rejects the request.
    """
    client = AdminClient(client_config(settings, "topics"))
    required = _required_topics(settings)
    futures = client.create_topics(
        required, operation_timeout=REQUEST_TIMEOUT_SECONDS, request_timeout=REQUEST_TIMEOUT_SECONDS
    )
    created = [name for name, future in futures.items() if _was_created(name, future)]
    for topic in required:
        if topic.topic not in created:
            _warn_of_differences(client, topic)
    return created


def _required_topics(settings: Settings) -> list[NewTopic]:
    configs: dict[str, dict[str, str]] = {
        settings.kafka_topic: {MAX_MESSAGE_BYTES: str(MAX_WORK_BATCH_BYTES)},
        settings.kafka_events_topic: {},
        settings.kafka_dead_letter_topic: {MAX_MESSAGE_BYTES: str(MAX_DEAD_LETTER_RECORD_BYTES)},
    }
    return [
        NewTopic(name, settings.kafka_partitions, BROKER_DEFAULT, config=config) for name, config in configs.items()
    ]


def _was_created(name: str, future: "Future[None]") -> bool:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        log.info("Topic %s already exists and is not changed.", name)
        return False
    log.info("Topic %s was created.", name)
    return True


def _warn_of_differences(client: AdminClient, topic: NewTopic) -> None:
    """Warn when an existing topic's configuration differs from the required one.

    If the work topic accepts larger records than the dead letter topic, such records are dead-lettered without what
    does not fit. If a topic accepts less than required, Kafka may reject the relay's records.
    """
    resource = ConfigResource(ResourceType.TOPIC, topic.topic)
    try:
        config = client.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_SECONDS)[resource].result()
    except KafkaException as error:
        log.warning("The configuration of topic %s could not be checked: %s", topic.topic, error.args[0].str())
        return
    for name, required in (topic.config or {}).items():
        if (actual := config[name].value) != required:
            log.warning("Topic %s has %s=%s; it should be %s.", topic.topic, name, actual, required)
