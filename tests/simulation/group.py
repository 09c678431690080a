"""The group that shares the work topic's log: its members' consumers, with the bridge's own source on them.

The source is the production class, made by its own constructor; only librdkafka's consumer and admin client are of
here. Rebalances and the answers to commits are told within `poll`, as librdkafka does.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from bridge.consumer import kafka_source
from bridge.consumer.kafka_source import SOCKET_TIMEOUT_MS, KafkaSource
from bridge.kafka.watermarks import EARLIEST
from contracts.settings import Settings
from tests.simulation.fibers import Fate, Killed, Means, Process, park
from tests.simulation.kafka import Kafka, Message, away

READ_AT_ONCE: Final = 3

TOLD: Final = Means("kafka", frozenset({Fate.AWAY}))
COMMITTED: Final = Means("kafka", frozenset({Fate.LATE, Fate.LOST, Fate.AWAY}))

Callback = Callable[[Any, list[TopicPartition]], None]


class Thread:
    """In the place of a thread: its body runs where it is started."""

    def __init__(self, target: Callable[[], object], **_: Any) -> None:
        self._target = target

    def start(self) -> None:
        self._target()

    def join(self, _: float) -> None:
        """It has ended."""

    def is_alive(self) -> bool:
        return False


THREADING: Final = SimpleNamespace(Thread=Thread)


@dataclass(frozen=True, slots=True)
class Commit:
    """Offsets that were sent, and the generation of the log that their sender believed in."""

    offsets: list[TopicPartition]
    fate: Fate
    asynchronous: bool
    described: int
    at: float


class Consumer:
    """A member of the group."""

    def __init__(self, kafka: Kafka, process: Process, config: dict[str, Any]) -> None:
        self.kafka = kafka
        self.process = process
        self.described = 0
        """The generation of the log that this member was told of last."""
        self._topic = ""
        self._on_commit: Callback = config["on_commit"]
        self.generations: dict[int, int] = {}
        """Of the log, by partition, when it was assigned last."""
        self._next: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        self._paused: set[int] = set()
        self._sent: deque[Commit] = deque()
        """Commits under way, in their order; one connection does not let them overtake each other."""
        self._answers: list[tuple[KafkaError | None, list[TopicPartition]]] = []

    def subscribe(self, topics: list[str], on_assign: Callback, on_revoke: Callback, on_lost: Callback) -> None:
        (self._topic,) = topics
        self._on_assign, self._on_revoke, self._on_lost = on_assign, on_revoke, on_lost

    def poll(self, _: float) -> Message | None:
        park("poll")
        self._serve()
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
                return [Message(number, at, 0, None, [], None, error_=lost)]
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
        return [Message(number, at, None, None, [], None, error_=KafkaError(KafkaError._PARTITION_EOF))]

    def seek(self, place: TopicPartition) -> None:
        self._next[place.partition] = place.offset
        self._ended.pop(place.partition, None)

    def _serve(self) -> None:
        """Tell how the commits ended; one that was not answered in time has arrived, or never will."""
        while self._sent and self.kafka.now() - self._sent[0].at > SOCKET_TIMEOUT_MS / 1000:
            if not self.arrive():
                self._answer(away().args[0], self._sent.popleft())
        answers, self._answers = self._answers, []
        for error, partitions in answers:
            self._on_commit(error, partitions)

    def _rebalance(self) -> None:
        for number, partition in enumerate(self.kafka.partitions):
            if number in self._next:
                if partition.holder is not self:
                    self._on_lost(self, [TopicPartition(self._topic, number)])
                elif partition.wanted is not self:
                    self._on_revoke(self, [TopicPartition(self._topic, number)])
            elif partition.wanted is self and partition.holder is None:
                partition.holder = self
                self._on_assign(self, [TopicPartition(self._topic, number)])

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if park("committed", TOLD) is Fate.AWAY or self.kafka.away:
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
            self.generations[one.partition] = self.kafka.generation

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """What was paused stays so: librdkafka remembers it until the partition comes back."""
        for one in partitions:
            self._next.pop(one.partition, None)
            if self.kafka.partitions[one.partition].holder is self:
                self.kafka.partitions[one.partition].holder = None

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._paused |= {one.partition for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused -= {one.partition for one in partitions}

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        """A member may commit a partition that it does not own any more."""
        fate = park("offsets", COMMITTED)
        commit = Commit(offsets, fate, asynchronous, self.described, self.kafka.now())
        if self.kafka.away or fate is Fate.AWAY:
            self._answer(away().args[0], commit)
            return
        self._sent.append(commit)
        if asynchronous and fate is Fate.LATE:
            self.kafka.under_way.append(self)
            return
        while self._sent:
            self.arrive()
        if fate is Fate.LATE:
            park("answer to offsets")

    def arrive(self) -> bool:
        """The first of the commits that are under way is made."""
        if not self._sent or self.kafka.away:
            return False
        commit = self._sent.popleft()
        for one in commit.offsets:
            self.kafka.commit(one.partition, one.offset, one.metadata or "", commit.described)
        self._answer(away().args[0] if commit.fate is Fate.LOST else None, commit)
        return True

    def _answer(self, error: KafkaError | None, commit: "Commit") -> None:
        """Raises KafkaException to who waits for it."""
        if commit.asynchronous:
            self._answers.append((error, commit.offsets))
        elif error is not None:
            raise away()

    def close(self) -> None:
        """Leave the group. Raises Killed, since a process that is killed takes leave of nobody."""
        if self.process.dead:
            raise Killed
        mine = [number for number in self._next if self.kafka.partitions[number].holder is self]
        if mine:
            self._on_revoke(self, [TopicPartition(self._topic, number) for number in mine])


class Admin:
    """Tells the topic's id, and the ends of its logs."""

    def __init__(self, kafka: Kafka, process: Process, _: dict[str, Any]) -> None:
        self._kafka = kafka
        self._process = process

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(cluster_id="simulated")

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, "Future[Any]"]:
        (topic,) = topics.topic_names
        answer: Future[Any] = Future()
        if self._kafka.away:
            answer.set_exception(away())
        else:
            self._process.consumer.described = self._kafka.generation  # type: ignore[attr-defined]  # the bridge's
            answer.set_result(Described(self._kafka.topic_id))
        return {topic: answer}

    def list_offsets(
        self, asked: dict[TopicPartition, Any], request_timeout: float
    ) -> "dict[TopicPartition, Future[Any]]":
        """Where the leader is away, the ends are not known."""
        is_away = park("ends", TOLD) is Fate.AWAY or self._kafka.away
        return {one: self._end(one, which, is_away=is_away) for one, which in asked.items()}

    def _end(self, place: TopicPartition, which: Any, *, is_away: bool) -> "Future[Any]":
        answer: Future[Any] = Future()
        partition = self._kafka.partitions[place.partition]
        if is_away:
            answer.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        else:
            answer.set_result(SimpleNamespace(offset=partition.low if which is EARLIEST else len(partition.records)))
        return answer


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as the admin client describes it."""

    topic_id: str


def source(settings: Settings, kafka: Kafka, process: Process) -> KafkaSource:
    """The bridge's own source of records, on the broker in memory."""
    with (
        patch.object(kafka_source, "Consumer", partial(Consumer, kafka, process)),
        patch.object(kafka_source, "AdminClient", partial(Admin, kafka, process)),
    ):
        return KafkaSource(settings)
