"""What stands in a topic at this moment, from the first record on."""

from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from contracts.settings import Settings
from tests.eventually import eventually


def records(settings: Settings, topic: str) -> list[Message]:
    """All records, those of a partition in their order."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": "reader"})
    try:
        found: list[Message] = []
        for partition in consumer.list_topics(topic, 10).topics[topic].partitions:
            found += _partition(consumer, topic, partition)
        return found
    finally:
        consumer.close()


def _partition(consumer: Consumer, topic: str, partition: int) -> list[Message]:
    _, end = eventually(lambda: _ends(consumer, TopicPartition(topic, partition))) or (0, 0)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    found: list[Message] = []
    while len(found) < end:
        message = consumer.poll(10)
        assert message is not None, f"partition {partition} has {end} records, only {len(found)} came"
        assert message.error() is None, message.error()
        found.append(message)
    return found


def _ends(consumer: Consumer, partition: TopicPartition) -> tuple[int, int] | None:
    """Both ends; None while the broker, which made the topic a moment ago, does not lead the partition yet."""
    try:
        return consumer.get_watermark_offsets(partition, 10)
    except KafkaException:
        return None


def headers(message: Message) -> dict[str, Any]:
    """The headers by name, with their bytes."""
    return dict(header_list(message))


def header_list(message: Message) -> list[tuple[str, Any]]:
    """The headers in their order."""
    found = message.headers() or []
    return [*found.items()] if isinstance(found, dict) else [*found]
