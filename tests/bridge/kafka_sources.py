"""Helpers for tests of Kafka sources: produce records, answer the requests of lanes, read and write commits."""

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

REQUEST_TIMEOUT_SECONDS = 20


def event_values(count: int, first: int = 0) -> list[bytes]:
    """Return the events of `count` thoughts, each of another user; both ids are counted from `first`."""
    numbers = range(first + 1, first + count + 1)
    return [thought_created(UUID(int=number), UUID(int=10**9 + number), "A thought").to_bytes() for number in numbers]


def produce(
    settings: Settings, events: Iterable[bytes], partition: int = 0, turn: bytes = b"1", key: bytes | None = None
) -> None:
    """Publish events as the relay does, and wait until Kafka has acknowledged them."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    for value in events:
        record_key = user_key(value) if key is None else key
        producer.produce(settings.kafka_topic, value, record_key, partition=partition, headers={"turn": turn})
    assert producer.flush(REQUEST_TIMEOUT_SECONDS) == 0


@contextmanager
def open_transaction(settings: Settings) -> Iterator[Producer]:
    """Begin an external producer's transaction. The block must commit or abort it."""
    producer = Producer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "transactional.id": settings.kafka_topic}
    )
    producer.init_transactions(60)
    producer.begin_transaction()
    yield producer


def user_key(value: bytes | None) -> bytes | None:
    """Return the key that an event must have, or None when the value is not an event."""
    try:
        return str(parse_created(value).user_id).encode()
    except InvalidEventError:
        return None


@contextmanager
def open_source(settings: Settings) -> Iterator[KafkaSource]:
    """Open a source, and close it at the end of the block, as on SIGTERM."""
    source = KafkaSource(settings)
    try:
        yield source
    finally:
        source.close()


def lane_of(source: KafkaSource, partition: int = 0) -> Lane:
    return source._partitions[partition].lane


def held_offsets(source: KafkaSource, partition: int = 0) -> list[int]:
    """Return the offsets that a partition's lane holds; empty if the partition is not assigned."""
    assigned = source._partitions.get(partition)
    return sorted(offset for line in assigned.lane._lines.values() for offset in line.records) if assigned else []


def poll_until(source: KafkaSource, condition: Callable[[], bool], *others: KafkaSource) -> None:
    """Poll all sources until the condition holds."""

    def poll_and_check() -> bool:
        for polled in (source, *others):
            polled.poll(0.02)
        return condition()

    eventually(poll_and_check, timeout=60)


def answer_requests(lane: Lane, is_done: Callable[[Record], bool] = lambda _: True) -> None:
    """Answer all due requests of the lane, as Decide would without a head."""
    for ask in lane.due_requests(0.0):
        verdicts = [RecordVerdict(record.offset, "done" if is_done(record) else "open") for record in ask.records]
        lane.decided(Decision(ask.user_id, tuple(verdicts), None), 0.0)


def fetch_commit(settings: Settings, partition: int = 0) -> tuple[int, str] | None:
    """Return the group's committed offset and its metadata, or None."""
    reader = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    partitions = [TopicPartition(settings.kafka_topic, partition)]
    try:
        (commit,) = retry_transient(
            lambda: reader.committed(partitions, REQUEST_TIMEOUT_SECONDS), REQUEST_TIMEOUT_SECONDS
        )
        return None if commit.offset == OFFSET_INVALID else (commit.offset, commit.metadata or "")
    finally:
        reader.close()


def commit_offset(settings: Settings, offset: int, metadata: str, partition: int = 0) -> None:
    """Commit an offset for the group, as an earlier consumer or an operator's tool would."""
    writer = Consumer(
        {"bootstrap.servers": settings.kafka_bootstrap_servers, "group.id": settings.kafka_consumer_group}
    )
    offsets = [TopicPartition(settings.kafka_topic, partition, offset, metadata)]
    try:
        retry_transient(lambda: writer.commit(offsets=offsets, asynchronous=False), REQUEST_TIMEOUT_SECONDS)
    finally:
        writer.close()


def topic_id(settings: Settings, topic: str | None = None) -> str:
    """Return the id of a topic, by default of the work topic."""
    name = topic or settings.kafka_topic
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    description: Any = admin.describe_topics(TopicCollection([name]))[name].result(REQUEST_TIMEOUT_SECONDS)
    return str(description.topic_id)


def read_until_held(source: KafkaSource, count: int, partition: int = 0) -> None:
    """Poll until the partition's lane holds `count` records."""
    poll_until(source, lambda: len(held_offsets(source, partition)) == count)


def close_below(source: KafkaSource, offset: int, partition: int = 0) -> None:
    """Answer that all records below the offset are done and the others open."""
    answer_requests(lane_of(source, partition), lambda record: record.offset < offset)


def assert_commits(source: KafkaSource, settings: Settings, offset: int, partition: int = 0) -> None:
    """Commit the frontier, wait until Kafka has it, and check its offset."""
    source._committer._started_at = 0.0

    def is_committed() -> bool:
        source.commit(1e9)
        source.poll(0.01)
        return fetch_commit(settings, partition) is not None

    eventually(is_committed)
    commit = fetch_commit(settings, partition)
    assert commit is not None
    assert commit[0] == offset


def assigned_partitions(*sources: KafkaSource) -> set[int]:
    return {partition for source in sources for partition in source._partitions}


def recreate_topic(settings: Settings, topic: str | None = None) -> None:
    """Delete a topic, by default the work topic, and create it again with the same name."""
    name = topic or settings.kafka_topic
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
    old_id = topic_id(settings, name)
    admin.delete_topics([name])[name].result(REQUEST_TIMEOUT_SECONDS)

    def is_recreated() -> bool:
        try:
            create_topics(settings)
            return topic_id(settings, name) != old_id
        except KafkaException:
            return False  # the old topic is still being deleted

    eventually(is_recreated)
