"""Reads the present content of a topic, from its first record to its end."""

from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from contracts.settings import Settings
from tests.eventually import eventually


def read_records(settings: Settings, topic: str) -> list[Message]:
    """Return all records, each partition's in the order of offsets."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": "reader"})
    try:
        messages: list[Message] = []
        for partition in consumer.list_topics(topic, 10).topics[topic].partitions:
            messages += _read_partition(consumer, topic, partition)
        return messages
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, topic: str, partition: int) -> list[Message]:
    _, end = eventually(lambda: _watermarks(consumer, TopicPartition(topic, partition))) or (0, 0)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    messages: list[Message] = []
    while len(messages) < end:
        message = consumer.poll(10)
        assert message is not None, f"partition {partition} has {end} records, only {len(messages)} were received"
        assert message.error() is None, message.error()
        messages.append(message)
    return messages


def _watermarks(consumer: Consumer, partition: TopicPartition) -> tuple[int, int] | None:
    """Return both watermarks, or None while a newly created partition has no leader yet."""
    try:
        return consumer.get_watermark_offsets(partition, 10)
    except KafkaException:
        return None


def headers_by_name(message: Message) -> dict[str, Any]:
    """Return the headers by name; the last of several with one name wins."""
    return dict(header_list(message))


def header_list(message: Message) -> list[tuple[str, Any]]:
    """Return the headers in their order."""
    pairs = message.headers() or []
    return [*pairs.items()] if isinstance(pairs, dict) else [*pairs]
