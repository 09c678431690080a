"""The dead letter topic of a running stack, as another system reads it."""

from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from tests.eventually import eventually
from tests.running_stack import Stack, somebody

TOPIC = "thought-processing-dlq"


def dead_letters(stack: Stack) -> list[tuple[bytes | None, dict[str, Any]]]:
    """All records of the dead letter topic: value and headers."""
    bootstrap = stack.status_then["kafka_bootstrap"]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": somebody(), "enable.auto.commit": False})
    found: list[Message[bytes, bytes]] = []
    for number in range(3):
        first, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=30)
        consumer.assign([TopicPartition(TOPIC, number, first)])
        found += consumer.consume(end - first, 30) if end > first else []
    consumer.close()
    return [(message.value(), dict(message.headers() or [])) for message in found]


def dead_letter(stack: Stack, failure: str) -> tuple[bytes | None, dict[str, Any]]:
    """One record of the dead letter topic, once the relay has published it."""
    return eventually(
        lambda: [letter for letter in dead_letters(stack) if letter[1].get("failure-id") == failure.encode()]
    )[0]
