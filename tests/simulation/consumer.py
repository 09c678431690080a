"""librdkafka's consumer and admin client on the broker in memory, and the bridge's own source with them, unchanged."""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from bridge.consumer import ANSWER_SECONDS, KafkaSource
from bridge.topic_ids import TopicIds
from bridge.unassigned import Unassigned
from bridge.watermarks import FIRST
from contracts.settings import Settings
from tests.simulation.fibers import Fate, Process, park
from tests.simulation.kafka import Kafka, Message, away

READ_AT_ONCE: Final = 3


class Consumer:
    """A member of the group. Rebalances are told within `poll`, as librdkafka does."""

    def __init__(self, kafka: Kafka, process: Process) -> None:
        self.kafka = kafka
        self.process = process
        self.source: Source | None = None
        self._next: dict[int, int] = {}
        self._ended: dict[int, int] = {}
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
        for number, at in list(self._next.items()):
            partition = self.kafka.partitions[number]
            if number in self._paused:
                continue
            if not partition.low <= at <= len(partition.records):
                lost = KafkaError(KafkaError._AUTO_OFFSET_RESET)
                return [Message(number, at, 0, None, [], None, lost)]
            found += self._read(number, partition.records[at : at + min(READ_AT_ONCE, most - len(found))])
            if len(found) < most and self._next[number] == len(partition.records):
                found += self._end(number)
        return found

    def _read(self, number: int, records: list[Message]) -> list[Message]:
        """Up to the first that cannot be decoded, where its reader stays."""
        for n, one in enumerate(records):
            if one.damaged:
                damaged = replace(one, error_=KafkaError(KafkaError._BAD_COMPRESSION))
                return [*self._read(number, records[:n]), damaged]
            self._next[number] = one.at + 1
        return [one for one in records if not one.is_mark]

    def _end(self, number: int) -> list[Message]:
        """The word that the log ends here, once for each end."""
        at = self._next[number]
        if self._ended.get(number) == at:
            return []
        self._ended[number] = at
        return [Message(number, at, None, None, [], None, KafkaError(KafkaError._PARTITION_EOF))]

    def seek(self, place: TopicPartition) -> None:
        self._next[place.partition] = place.offset
        self._ended.pop(place.partition, None)

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
            self._ended.pop(one.partition, None)

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
