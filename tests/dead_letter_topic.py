"""Reads the dead letter topic of a running stack as another system does."""

from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from tests.eventually import eventually
from tests.running_stack import Stack, new_id

TOPIC = "thought-processing-dlq"


def read_dead_letters(stack: Stack) -> list[tuple[bytes | None, dict[str, Any]]]:
    """Return the value and headers of every record of the dead letter topic."""
    bootstrap = stack.initial_status["kafka_bootstrap"]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": new_id(), "enable.auto.commit": False})
    messages: list[Message[bytes, bytes]] = []
    for partition in range(3):
        first, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=30)
        consumer.assign([TopicPartition(TOPIC, partition, first)])
        messages += consumer.consume(end - first, 30) if end > first else []
    consumer.close()
    return [(message.value(), dict(message.headers() or [])) for message in messages]


def wait_for_dead_letter(stack: Stack, failure_id: str) -> tuple[bytes | None, dict[str, Any]]:
    """Wait until the relay has published the dead letter, and return its value and headers."""
    return eventually(
        lambda: [letter for letter in read_dead_letters(stack) if letter[1].get("failure-id") == failure_id.encode()]
    )[0]
