"""Kafka in memory: the work topic's log, the group that shares it, and the topic of dead letters.

The bridge's own source of records runs on it unchanged; only librdkafka's consumer and admin client are of here.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from uuid import UUID

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from bridge.consumer import ANSWER_SECONDS, KafkaSource
from bridge.outbox import Delivered, Late, OutboxRow
from bridge.publisher import Outcome
from bridge.topic_ids import TopicIds
from bridge.unassigned import Unassigned
from bridge.watermarks import FIRST
from contracts.settings import Settings
from tests.simulation.fibers import Fate, Process, park

PARTITIONS: Final = 2
READ_AT_ONCE: Final = 3

Pairs = Sequence[tuple[str, bytes | None]]


def away() -> KafkaException:
    """What librdkafka raises when no broker answers."""
    return KafkaException(KafkaError(KafkaError._TRANSPORT))


@dataclass(slots=True)
class Message:
    """A record, with librdkafka's accessors."""

    number: int
    at: int
    stamp: int | None
    value_: bytes | None
    headers_: Pairs
    key_: bytes | None
    error_: KafkaError | None = None
    damaged: bool = False
    """Nobody who reads it is given more than an error."""

    def __len__(self) -> int:
        return len(self.value_ or b"")

    def error(self) -> KafkaError | None:
        return self.error_

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int | None]:
        return (1, self.stamp)

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> Pairs:
        return self.headers_

    def key(self) -> bytes | None:
        return self.key_

    def names(self) -> tuple[UUID, UUID, int | None] | None:
        """(user, thought, turn) as written, or None for what is no event."""
        try:
            event = json.loads(self.value_ or b"")
            turn = dict(self.headers_).get("turn")
            return UUID(event["user_id"]), UUID(event["thought_id"]), None if turn is None else int(turn)
        except (ValueError, KeyError, TypeError):
            return None


@dataclass
class Partition:
    """A partition's log, what its group committed, and who has it."""

    records: list[Message] = field(default_factory=list)
    low: int = 0
    committed: tuple[int, str] | None = None
    checked: int = 0
    """Everything below it was found done when it was committed."""
    wanted: "Consumer | None" = None
    holder: "Consumer | None" = None


class Kafka:
    """The broker. `check` is called with each commit before it is made."""

    def __init__(self, clock: Callable[[], float], check: Callable[[Partition, int], None]) -> None:
        self._clock = clock
        self._check = check
        self.away = False
        self.generation = 1
        self.described = 1
        """The generation of the log that somebody was told of last."""
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.dead: list[str | None] = []
        """The failure ids in the topic of dead letters."""

    @property
    def topic_id(self) -> str:
        return f"log-{self.generation}"

    def produce(self, value: bytes | None, headers: Pairs, key: bytes | None, number: int) -> int:
        """Append a record; its offset."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), int(self._clock() * 1000), value, headers, key))
        return len(log) - 1

    def damage(self, number: int) -> None:
        """Append a record that cannot be decoded; nothing can be told of it, not even when it was written."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), None, None, [], None, damaged=True))

    def lose_log(self, *, keeps_commits: bool) -> None:
        """The topic is made anew. What the group committed for the old one may still be there."""
        self.generation += 1
        for one in self.partitions:
            one.records, one.low, one.checked = [], 0, 0
            one.committed = one.committed if keeps_commits else None

    def commit(self, number: int, offset: int, metadata: str) -> None:
        """Commit for the group. Between a member's look at the topic's id and its commit the log may be made anew."""
        partition = self.partitions[number]
        if self.described == self.generation:
            self._check(partition, offset)
        partition.committed = (offset, metadata)


class Producer:
    """The relay's publisher: the same outcomes, without librdkafka."""

    def __init__(self, kafka: Kafka, topic: str, dead_topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._dead_topic = dead_topic

    def serve(self) -> None:
        """Nothing to tell."""

    def publish(self, rows: Sequence[OutboxRow]) -> Outcome:
        """All rows, some of them, or none; what is not acknowledged may be in the topic all the same."""
        fate = park("publish")
        if self._kafka.away or fate is Fate.AWAY:
            return Outcome(trouble="away", late=[self._late(row) for row in rows])
        chosen = rows[::2] if fate is Fate.TRANSIENT else rows
        delivered = [self._deliver(row) for row in chosen]
        if fate is Fate.LATE:
            park("acknowledgement")
        if fate is Fate.LOST:
            return Outcome(trouble="not acknowledged in time", unreported=len(rows))
        late = [self._late(row) for row in rows[1::2]] if fate is Fate.TRANSIENT else []
        return Outcome(delivered, late=late, trouble="busy" if late else "")

    def _late(self, row: OutboxRow) -> Late:
        return Late(row, _partition(row) if row.topic == self._topic else 0)

    def _deliver(self, row: OutboxRow) -> Delivered:
        headers = row.kafka_headers()
        if row.topic == self._dead_topic:
            told = dict(headers).get("failure-id")
            self._kafka.dead.append(told.decode() if told else None)
        elif row.topic == self._topic:
            number = _partition(row)
            return Delivered(row, number, self._kafka.produce(row.value, headers, _key(row), number))
        return Delivered(row, 0, 0)


def _key(row: OutboxRow) -> bytes | None:
    key = row.kafka_key()
    return key.encode() if isinstance(key, str) else key


def _partition(row: OutboxRow) -> int:
    return sum(_key(row) or b"") % PARTITIONS


class Consumer:
    """A member of the group. Rebalances are told within `poll`, as librdkafka does."""

    def __init__(self, kafka: Kafka, process: Process) -> None:
        self.kafka = kafka
        self.process = process
        self.source: Source | None = None
        self._next: dict[int, int] = {}
        self._paused: set[int] = set()

    def poll(self, _: float) -> Message | None:
        park("poll")
        if self.kafka.away:
            return None
        self._rebalance()
        found = self.consume(1, 0)
        return found[0] if found else None

    def consume(self, most: int, _: float) -> list[Message]:
        found: list[Message] = []
        for number, at in self._next.items():
            partition = self.kafka.partitions[number]
            if number in self._paused:
                continue
            if not partition.low <= at <= len(partition.records):
                lost = KafkaError(KafkaError._AUTO_OFFSET_RESET)
                return [Message(number, at, 0, None, [], None, lost)]
            found += self._read(partition.records[at : at + min(READ_AT_ONCE, most - len(found))])
        for message in found:
            self._next[message.number] = message.at + (message.error_ is None)
        return found

    def _read(self, records: list[Message]) -> list[Message]:
        """Up to the first that cannot be decoded, where its reader stays."""
        for n, one in enumerate(records):
            if one.damaged:
                return [*records[:n], replace(one, error_=KafkaError(KafkaError._BAD_COMPRESSION))]
        return records

    def seek(self, place: TopicPartition) -> None:
        self._next[place.partition] = place.offset

    def _rebalance(self) -> None:
        assert self.source is not None
        for number, partition in enumerate(self.kafka.partitions):
            named = [TopicPartition(self.source.topic, number)]
            if number in self._next and partition.holder is not self:
                self.source._lose(self, named)  # type: ignore[arg-type]  # a consumer as librdkafka's
            elif number in self._next and partition.wanted is not self:
                self.source._revoke(self, named)  # type: ignore[arg-type]
            elif number not in self._next and partition.wanted is self and partition.holder is None:
                partition.holder = self
                self.source._assign(self, named)  # type: ignore[arg-type]

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if park("committed") is Fate.AWAY or self.kafka.away:
            raise away()
        found = []
        for one in partitions:
            offset, metadata = self.kafka.partitions[one.partition].committed or (OFFSET_INVALID, "")
            found.append(TopicPartition(one.topic, one.partition, offset, metadata))
        return found

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            low = self.kafka.partitions[one.partition].low
            self._next[one.partition] = low if one.offset == OFFSET_BEGINNING else one.offset

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._next.pop(one.partition, None)
            self._paused.discard(one.partition)
            if self.kafka.partitions[one.partition].holder is self:
                self.kafka.partitions[one.partition].holder = None

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._paused |= {one.partition for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused -= {one.partition for one in partitions}

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        """A member may commit a partition that it does not own any more."""
        fate = park("commit")
        if self.kafka.away or fate is Fate.AWAY:
            raise away()
        for one in offsets:
            self.kafka.commit(one.partition, one.offset, one.metadata or "")
        if fate is Fate.LOST:
            raise away()


class Admin:
    """Tells the topic's id, and the ends of its logs."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic

    def describe_topics(self, _: Any, request_timeout: float) -> dict[str, "Future[Any]"]:
        answer: Future[Any] = Future()
        if self._kafka.away:
            answer.set_exception(away())
        else:
            self._kafka.described = self._kafka.generation
            answer.set_result(Described(self._kafka.topic_id))
        return {self._topic: answer}

    def list_topics(self, topic: str, timeout: float) -> None:
        """Nothing is learned by it."""

    def list_offsets(
        self, asked: dict[TopicPartition, Any], request_timeout: float
    ) -> "dict[TopicPartition, Future[Any]]":
        """Where the leader is away, the ends are not known."""
        is_away = park("ends") is Fate.AWAY or self._kafka.away
        return {one: self._end(one, which, is_away=is_away) for one, which in asked.items()}

    def _end(self, place: TopicPartition, which: Any, *, is_away: bool) -> "Future[Any]":
        answer: Future[Any] = Future()
        partition = self._kafka.partitions[place.partition]
        if is_away:
            answer.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        else:
            answer.set_result(End(partition.low if which is FIRST else len(partition.records)))
        return answer


@dataclass(frozen=True, slots=True)
class End:
    """An end of a log as the admin client tells it."""

    offset: int


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as the admin client describes it."""

    topic_id: str


class Source(KafkaSource):
    """The bridge's own source on the broker above."""

    def __init__(self, settings: Settings, kafka: Kafka, process: Process) -> None:
        consumer, admin = Consumer(kafka, process), Admin(kafka, settings.kafka_topic)
        consumer.source = self
        self.topic = settings.kafka_topic
        self.consumer = consumer
        topic_ids = TopicIds(cast("Any", admin), settings.kafka_topic)
        topic_ids.__dict__["_are_told"] = True
        parts: dict[str, Any] = {
            "_settings": settings,
            "_topic": settings.kafka_topic,
            "_admin": admin,
            "_topic_ids": topic_ids,
            "_answer_seconds": ANSWER_SECONDS,
            "_consumer": consumer,
            "_partitions": {},
            "_unassigned": Unassigned(),
            "_settled_at": 0.0,
            "_asked": None,
        }
        self.__dict__.update(parts)
