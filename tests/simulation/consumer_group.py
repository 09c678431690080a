"""The consumer group: the bridge's own KafkaSource on consumers in memory.

The source is the production class, made by its own constructor; only librdkafka's consumer and admin client are
simulated. Rebalances and the answers to commits are delivered within `poll`, as librdkafka does.
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
from bridge.consumer.consumer_config import SOCKET_TIMEOUT_MS
from bridge.consumer.kafka_source import KafkaSource
from bridge.kafka.watermarks import EARLIEST
from contracts.settings import Settings
from tests.simulation.fibers import Outcome, PossibleOutcomes, Process, ProcessKilled, park
from tests.simulation.kafka import PARTITION_PAUSED, Kafka, Message, unavailable_error

MAX_RECORDS_PER_READ: Final = 3

READ_OUTCOMES: Final = PossibleOutcomes("kafka", frozenset({Outcome.UNREACHABLE}))
COMMIT_OUTCOMES: Final = PossibleOutcomes(
    "kafka", frozenset({Outcome.ANSWER_LATE, Outcome.ANSWER_LOST, Outcome.UNREACHABLE})
)

Callback = Callable[[Any, list[TopicPartition]], None]


class InlineThread:
    """Stands in for a thread: `start` runs its body to the end."""

    def __init__(self, target: Callable[[], object], **_: Any) -> None:
        self._target = target

    def start(self) -> None:
        self._target()

    def join(self, _: float) -> None:
        pass

    def is_alive(self) -> bool:
        return False


INLINE_THREADING: Final = SimpleNamespace(Thread=InlineThread)


@dataclass(frozen=True, slots=True)
class SentCommit:
    """A commit on its way. `described_generation` is the generation of the log that its sender knew."""

    offsets: list[TopicPartition]
    outcome: Outcome
    asynchronous: bool
    described_generation: int
    sent_at: float


class Consumer:
    """A member of the group."""

    def __init__(self, kafka: Kafka, process: Process, config: dict[str, Any]) -> None:
        self.kafka = kafka
        self.process = process
        self.described_generation = 0
        """The generation of the log when this member last asked for the topic's id."""
        self._topic = ""
        self._on_commit: Callback = config["on_commit"]
        self.assigned_generations: dict[int, int] = {}
        """Partition -> the generation of the log when it was last assigned."""
        self._next: dict[int, int] = {}
        self._end_reported: dict[int, int] = {}
        self._paused: set[int] = set()
        self._sent: deque[SentCommit] = deque()
        """Commits on the way, in their order: on one connection they do not overtake each other."""
        self._answers: list[tuple[KafkaError | None, list[TopicPartition]]] = []

    def subscribe(self, topics: list[str], on_assign: Callback, on_revoke: Callback, on_lost: Callback) -> None:
        (self._topic,) = topics
        self._on_assign, self._on_revoke, self._on_lost = on_assign, on_revoke, on_lost

    def poll(self, _: float) -> Message | None:
        park("poll")
        self._report_commits()
        if self.kafka.is_unavailable:
            return None
        self._rebalance()
        messages = self.consume(1, 0)
        return messages[0] if messages else None

    def consume(self, num_messages: int, _: float) -> list[Message]:
        messages: list[Message] = []
        for number, start in list(self._next.items()):
            partition = self.kafka.partitions[number]
            if number in self._paused:
                continue
            if not partition.low <= start <= len(partition.records):
                error = KafkaError(KafkaError._AUTO_OFFSET_RESET)
                return [Message(number, start, 0, None, [], None, error_=error)]
            limit = min(MAX_RECORDS_PER_READ, num_messages - len(messages))
            messages += self._read(number, partition.records[start : start + limit])
            if len(messages) < num_messages and self._next[number] == len(partition.records):
                messages += self._end_of_partition(number)
        return messages

    def _read(self, number: int, records: list[Message]) -> list[Message]:
        """Return the records up to the first corrupt one, at which the consumer stays."""
        for n, record in enumerate(records):
            if record.is_corrupt:
                corrupt = replace(record, error_=KafkaError(KafkaError._BAD_COMPRESSION))
                return [*self._read(number, records[:n]), corrupt]
            self._next[number] = record.log_offset + 1
        return [record for record in records if not record.is_transaction_marker]

    def _end_of_partition(self, number: int) -> list[Message]:
        """Return the message that reports the end of the log, once for each end."""
        end = self._next[number]
        if self._end_reported.get(number) == end:
            return []
        self._end_reported[number] = end
        return [Message(number, end, None, None, [], None, error_=KafkaError(KafkaError._PARTITION_EOF))]

    def get_watermark_offsets(self, place: TopicPartition, cached: bool) -> tuple[int, int]:
        partition = self.kafka.partitions[place.partition]
        return partition.low, len(partition.records)

    def seek(self, place: TopicPartition) -> None:
        self._next[place.partition] = place.offset
        self._end_reported.pop(place.partition, None)

    def _report_commits(self) -> None:
        """Call back for the finished commits. One that timed out has arrived by now, or never will."""
        while self._sent and self.kafka.now() - self._sent[0].sent_at > SOCKET_TIMEOUT_MS / 1000:
            if not self.deliver_commit():
                self._answer(unavailable_error().args[0], self._sent.popleft())
        answers, self._answers = self._answers, []
        for error, partitions in answers:
            self._on_commit(error, partitions)

    def _rebalance(self) -> None:
        for number, partition in enumerate(self.kafka.partitions):
            if number in self._next:
                if partition.owner is not self:
                    self._on_lost(self, [TopicPartition(self._topic, number)])
                elif partition.next_owner is not self:
                    self._on_revoke(self, [TopicPartition(self._topic, number)])
            elif partition.next_owner is self and partition.owner is None:
                partition.owner = self
                self._on_assign(self, [TopicPartition(self._topic, number)])

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if park("fetch committed offsets", READ_OUTCOMES) is Outcome.UNREACHABLE or self.kafka.is_unavailable:
            raise unavailable_error()
        committed = []
        for place in partitions:
            offset, metadata = self.kafka.partitions[place.partition].committed or (OFFSET_INVALID, "")
            committed.append(TopicPartition(place.topic, place.partition, offset, metadata))
        return committed

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        for place in partitions:
            low = self.kafka.partitions[place.partition].low
            self._next[place.partition] = low if place.offset == OFFSET_BEGINNING else place.offset
            self._end_reported.pop(place.partition, None)
            self.assigned_generations[place.partition] = self.kafka.generation

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        """Give the partitions up. A paused one stays paused: librdkafka remembers it until the partition returns."""
        for place in partitions:
            self._next.pop(place.partition, None)
            if self.kafka.partitions[place.partition].owner is self:
                self.kafka.partitions[place.partition].owner = None

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.kafka.observations[PARTITION_PAUSED] += 1
        self._paused |= {place.partition for place in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused -= {place.partition for place in partitions}

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        """Commit offsets, also for a partition that this member no longer owns."""
        outcome = park("commit offsets", COMMIT_OUTCOMES)
        commit = SentCommit(offsets, outcome, asynchronous, self.described_generation, self.kafka.now())
        if self.kafka.is_unavailable or outcome is Outcome.UNREACHABLE:
            self._answer(unavailable_error().args[0], commit)
            return
        self._sent.append(commit)
        if asynchronous and outcome is Outcome.ANSWER_LATE:
            self.kafka.delayed_commits.append(self)
            return
        while self._sent:
            self.deliver_commit()
        if outcome is Outcome.ANSWER_LATE:
            park("answer to commit offsets")

    def deliver_commit(self) -> bool:
        """Make the first of the commits on the way; return False when that is not possible."""
        if not self._sent or self.kafka.is_unavailable:
            return False
        commit = self._sent.popleft()
        for place in commit.offsets:
            self.kafka.commit(place.partition, place.offset, place.metadata or "", commit.described_generation)
        self._answer(unavailable_error().args[0] if commit.outcome is Outcome.ANSWER_LOST else None, commit)
        return True

    def _answer(self, error: KafkaError | None, commit: SentCommit) -> None:
        """Report how a commit ended. Raises KafkaException when the caller waits for it."""
        if commit.asynchronous:
            self._answers.append((error, commit.offsets))
        elif error is not None:
            raise unavailable_error()

    def close(self) -> None:
        """Leave the group. Raises ProcessKilled, because a killed process does not leave its group."""
        if self.process.is_dead:
            raise ProcessKilled
        owned = [number for number in self._next if self.kafka.partitions[number].owner is self]
        if owned:
            self._on_revoke(self, [TopicPartition(self._topic, number) for number in owned])


class Admin:
    """The admin client: the topic's id, and the watermarks of its partitions."""

    def __init__(self, kafka: Kafka, process: Process, _: dict[str, Any]) -> None:
        self._kafka = kafka
        self._process = process

    def list_topics(self, topic: str, timeout: float) -> Any:
        return SimpleNamespace(cluster_id="simulated")

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, "Future[Any]"]:
        (topic,) = topics.topic_names
        answer: Future[Any] = Future()
        if self._kafka.is_unavailable:
            answer.set_exception(unavailable_error())
        else:
            self._process.consumer.described_generation = self._kafka.generation  # type: ignore[attr-defined]  # a bridge's
            answer.set_result(DescribedTopic(self._kafka.topic_id))
        return {topic: answer}

    def list_offsets(
        self, requests: dict[TopicPartition, Any], request_timeout: float
    ) -> "dict[TopicPartition, Future[Any]]":
        """Return the watermarks, which are unknown while the leader is unavailable."""
        is_unavailable = park("fetch watermarks", READ_OUTCOMES) is Outcome.UNREACHABLE or self._kafka.is_unavailable
        return {place: self._watermark(place, spec, is_unavailable=is_unavailable) for place, spec in requests.items()}

    def _watermark(self, place: TopicPartition, spec: Any, *, is_unavailable: bool) -> "Future[Any]":
        answer: Future[Any] = Future()
        partition = self._kafka.partitions[place.partition]
        if is_unavailable:
            answer.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
        else:
            answer.set_result(SimpleNamespace(offset=partition.low if spec is EARLIEST else len(partition.records)))
        return answer


@dataclass(frozen=True, slots=True)
class DescribedTopic:
    """A topic as the admin client describes it."""

    topic_id: str


def make_source(settings: Settings, kafka: Kafka, process: Process) -> KafkaSource:
    """Return the bridge's own source of records, on the broker in memory."""
    with (
        patch.object(kafka_source, "Consumer", partial(Consumer, kafka, process)),
        patch.object(kafka_source, "AdminClient", partial(Admin, kafka, process)),
    ):
        return KafkaSource(settings)
