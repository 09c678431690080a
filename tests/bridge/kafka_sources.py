"""Kafka sources under test: what is produced for them, what their lanes are told, and what they committed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from bridge.consumer.kafka_source import KafkaSource
from bridge.consumer.lane import Lane
from bridge.consumer.protocol import Decision, RecordVerdict
from bridge.kafka.retry import retry_transient
from bridge.kafka.topics import create_topics
from bridge.records.types import Record
from contracts.events import InvalidEventError, parse_created, thought_created
from contracts.settings import Settings
from tests.eventually import eventually

ANSWER_SECONDS = 20


def values(number: int, first: int = 0) -> list[bytes]:
    """Events of so many thoughts, each of a user of its own; both ids are counted from `first`."""
    numbers = range(first + 1, first + number + 1)
    return [thought_created(UUID(int=one), UUID(int=10**9 + one), "A thought").to_bytes() for one in numbers]


def produce(
    settings: Settings, events: Iterable[bytes], partition: int = 0, turn: bytes = b"1", key: bytes | None = None
) -> None:
    """Write records as the relay does, and wait for them to be there."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for value in events:
        own = user_key(value) if key is None else key
        producer.produce(settings.kafka_topic, value, own, partition=partition, headers={"turn": turn})
    assert producer.flush(ANSWER_SECONDS) == 0


@contextmanager
def a_transaction(settings: Settings) -> Iterator[Producer]:
    """Another producer's, which the block ends."""
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "transactional.id": settings.kafka_topic}
    )
    producer.init_transactions(60)
    producer.begin_transaction()
    yield producer


def user_key(value: bytes | None) -> bytes | None:
    """The key that an event is to have; none for what is no event."""
    try:
        return str(parse_created(value).user_id).encode()
    except InvalidEventError:
        return None


@contextmanager
def a_source(settings: Settings) -> Iterator[KafkaSource]:
    """A source that is closed at the end, as at SIGTERM."""
    source = KafkaSource(settings)
    try:
        yield source
    finally:
        source.close()


def lane(source: KafkaSource, partition: int = 0) -> Lane:
    return source._partitions[partition].lane


def held(source: KafkaSource, partition: int = 0) -> list[int]:
    """The offsets that a partition's lane holds."""
    found = source._partitions.get(partition)
    return sorted(offset for line in found.lane._lines.values() for offset in line.records) if found else []


def poll_until(source: KafkaSource, check: Callable[[], bool], *others: KafkaSource) -> None:
    """Poll until something is true."""

    def look() -> bool:
        for one in (source, *others):
            one.poll(0.02)
        return check()

    eventually(look, timeout=60)


def answer(lane: Lane, is_done: Callable[[Record], bool] = lambda _: True) -> None:
    """PostgreSQL's answer to everything the lane asks now."""
    for ask in lane.due_requests(0.0):
        words = [RecordVerdict(record.offset, "done" if is_done(record) else "open") for record in ask.records]
        lane.decided(Decision(ask.user_id, tuple(words), None), 0.0)


def committed(settings: Settings, partition: int = 0) -> tuple[int, str] | None:
    """What the group committed: offset and metadata."""
    reader = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    try:
        (found,) = reader.committed([TopicPartition(settings.kafka_topic, partition)], ANSWER_SECONDS)
        return None if found.offset == OFFSET_INVALID else (found.offset, found.metadata or "")
    finally:
        reader.close()


def commit_by_hand(settings: Settings, offset: int, metadata: str, partition: int = 0) -> None:
    """What an earlier consumer of the group, or an operator's tool, committed."""
    writer = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    offsets = [TopicPartition(settings.kafka_topic, partition, offset, metadata)]
    try:
        retry_transient(lambda: writer.commit(offsets=offsets, asynchronous=False), ANSWER_SECONDS)
    finally:
        writer.close()


def topic_id(settings: Settings, topic: str | None = None) -> str:
    """The id of a topic, of the work topic if none is named."""
    name = topic or settings.kafka_topic
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    described: Any = admin.describe_topics(TopicCollection([name]))[name].result(20)
    return str(described.topic_id)


def read_all(source: KafkaSource, number: int, partition: int = 0) -> None:
    poll_until(source, lambda: len(held(source, partition)) == number)


def close_up_to(source: KafkaSource, offset: int, partition: int = 0) -> None:
    """Everything below the offset is done, the rest is open."""
    answer(lane(source, partition), lambda record: record.offset < offset)


def settled(source: KafkaSource, settings: Settings, offset: int, partition: int = 0) -> None:
    """Settle, and wait for Kafka to have the commit."""
    source._commit_begun_at = 0.0

    def look() -> bool:
        source.commit(1e9)
        source.poll(0.01)
        return committed(settings, partition) is not None

    eventually(look)
    found = committed(settings, partition)
    assert found is not None
    assert found[0] == offset


def shared(*sources: KafkaSource) -> set[int]:
    return {partition for source in sources for partition in source._partitions}


def make_anew(settings: Settings, topic: str | None = None) -> None:
    """Delete a topic, the work topic if none is named, and make it again with the same name."""
    name = topic or settings.kafka_topic
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    before = topic_id(settings, name)
    admin.delete_topics([name])[name].result(20)

    def made() -> bool:
        try:
            create_topics(settings)
            return topic_id(settings, name) != before
        except KafkaException:
            return False  # the old one is still being deleted

    eventually(made)
