"""The three topics and what they must allow; whoever provides Kafka has them made once, before the first process."""

import logging
from concurrent.futures import Future
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.kafka import client_config
from contracts.settings import Settings

log = logging.getLogger(__name__)

WORK_RECORD_BYTES: Final = 1_048_588
"""Kafka's own default of the largest record batch: the most a record of the work topic may have."""

DEAD_LETTER_RECORD_BYTES: Final = WORK_RECORD_BYTES + 65_536
"""A dead letter carries the whole original record and up to 64 KiB of headers that say why."""

BROKERS_OWN_DEFAULT: Final = -1
ANSWER_SECONDS: Final = 30


def create_topics(settings: Settings) -> list[str]:
    """Make the topics that are not there yet and return their names; those that are there stay as they are.

    Raises KafkaException when Kafka is away or refuses.
    """
    client = AdminClient(client_config(settings, "topics"))
    asked = client.create_topics(_wanted(settings), operation_timeout=ANSWER_SECONDS, request_timeout=ANSWER_SECONDS)
    return [name for name, made in asked.items() if _is_new(name, made)]


def _wanted(settings: Settings) -> list[NewTopic]:
    dead_letters = {"max.message.bytes": str(DEAD_LETTER_RECORD_BYTES)}
    configs: dict[str, dict[str, str]] = {
        settings.kafka_topic: {},
        settings.kafka_events_topic: {},
        settings.kafka_dead_letter_topic: dead_letters,
    }
    return [
        NewTopic(name, settings.kafka_partitions, BROKERS_OWN_DEFAULT, config=config)
        for name, config in configs.items()
    ]


def _is_new(name: str, made: "Future[None]") -> bool:
    try:
        made.result()
    except KafkaException as refused:
        if refused.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        log.info("Topic %s is there already and stays as it is.", name)
        return False
    log.info("Topic %s was made.", name)
    return True
