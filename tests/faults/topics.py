"""What stands in Kafka, watched while things break: committed offsets, and the dead letters of the topic."""

import json
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, Message, TopicPartition

from contracts.settings import Settings
from tests.bridge.kafka_log import headers
from tests.faults.facts import PostgreSQL

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 5.0

WAITING = "SELECT count(*) FROM thoughts WHERE finished_at IS NULL"

PAST = """
    SELECT id::text, turn FROM thoughts WHERE id = ANY (%s::uuid[]) AND finished_at IS NULL
"""

NAMES = {name: str(Settings.model_fields[name].default) for name in ("kafka_topic", "kafka_dead_letter_topic")}
GROUP = str(Settings.model_fields["kafka_consumer_group"].default)


@dataclass
class Watch:
    """A thread that looks every second; Kafka and PostgreSQL may both be away meanwhile."""

    bootstrap: str
    database_url: str
    broken: list[str] = field(default_factory=list)
    """Records below a committed offset whose thoughts were open afterwards."""
    letters: "Counter[str]" = field(default_factory=Counter)
    """failure id -> records of the dead letter topic."""
    below: int = 0
    """Records that were found below a committed offset, and looked up."""

    waiting: int = 0
    """Thoughts that were not terminal at the last look."""

    def __post_init__(self) -> None:
        self._postgresql = PostgreSQL(self.database_url)
        self._consumer = self._a_consumer()
        self._next: dict[tuple[str, int], int] = {}
        self.troubles: Counter[str] = Counter()
        """What kept a look from its end, and how often."""
        self._rung: defaultdict[int, dict[int, tuple[str, int]]] = defaultdict(dict)
        self._committed: dict[int, int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topics", daemon=True)

    def _a_consumer(self) -> Consumer:
        quiet = {"log_level": 0, "error_cb": lambda _: None, "auto.offset.reset": "earliest"}
        own = {"bootstrap.servers": self.bootstrap, "group.id": GROUP, "enable.auto.commit": False}
        return Consumer({**own, **quiet})

    def __enter__(self) -> "Watch":
        self._next = {(topic, number): OFFSET_BEGINNING for topic in NAMES.values() for number in self._numbers(topic)}
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in self._next.items()])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(60)
        self._consumer.close()
        self._postgresql.close()

    @property
    def lives(self) -> bool:
        """Whether it still looks: what it had not expected would end it."""
        return self._thread.is_alive()

    @property
    def above(self) -> int:
        """Records that were read and are not below a committed offset yet."""
        return sum(map(len, list(self._rung.values())))

    def _numbers(self, topic: str) -> list[int]:
        return list(self._consumer.list_topics(topic, ANSWER_SECONDS).topics[topic].partitions)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._look()
            except psycopg2.Error as away:
                self.troubles[type(away).__name__] += 1
            except KafkaException as away:
                self.troubles[str(away.args[0].name())] += 1
                self._begin_anew()

    def _begin_anew(self) -> None:
        """With a client that knows nothing of what went wrong, where the last one had ended."""
        self._consumer.close()
        self._consumer = self._a_consumer()
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in self._next.items()])

    def _look(self) -> None:
        ((self.waiting,),) = self._postgresql.rows(WAITING)
        partitions = [TopicPartition(NAMES["kafka_topic"], number) for number in self._rung]
        committed = self._consumer.committed(partitions, timeout=ANSWER_SECONDS) if partitions else []
        for message in self._consumer.consume(2_000, 0.2):
            if message.error() is None:
                self._take(message)
        for partition in committed:
            if partition.error is None and partition.offset != OFFSET_INVALID:
                self._check(partition.partition, partition.offset)

    def _take(self, message: Message) -> None:
        told: dict[str, Any] = headers(message)
        number, offset = message.partition(), message.offset()
        self._next[str(message.topic()), number or 0] = (offset or 0) + 1
        if message.topic() == NAMES["kafka_dead_letter_topic"]:
            self.letters[told["failure-id"].decode()] += 1
        elif number is not None and offset is not None:
            thought = json.loads(message.value() or b"")["thought_id"]
            self._rung[number][offset] = (thought, int(told["turn"]))

    def _check(self, number: int, committed: int) -> None:
        """Look the records up that lie below this commit and above the ones that were looked up before."""
        rung = self._rung[number]
        found = {offset: rung[offset] for offset in rung if offset < committed}
        still_open = set(self._postgresql.rows(PAST, [thought for thought, _ in found.values()])) if found else set()
        for offset, bell in found.items():
            self.below += 1
            if bell in still_open:
                self.broken.append(f"offset {committed} of partition {number} is committed past the open {bell[0]}")
            del rung[offset]
