"""What stands in Kafka, watched while things break: committed offsets, and the dead letters of the topic."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, Message, TopicPartition

from contracts.settings import Settings
from tests.bridge.topic_contents import headers
from tests.faults.facts import PostgreSQL

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 5.0

WAITING = "SELECT count(*) FROM thoughts WHERE finished_at IS NULL"

CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"

PAST = """
    SELECT id::text, turn, extract(epoch FROM finished_at)::float8 FROM thoughts WHERE id = ANY (%s::uuid[])
"""

TOPIC, DEAD_LETTERS, GROUP = (
    str(Settings.model_fields[name].default)
    for name in ("kafka_topic", "kafka_dead_letter_topic", "kafka_consumer_group")
)


@dataclass
class Watch:
    """A thread that looks every second; Kafka and PostgreSQL may both be away meanwhile."""

    bootstrap: str
    database_url: str
    topic: str = TOPIC
    dead_letters: str = DEAD_LETTERS
    group: str = GROUP
    broken: list[str] = field(default_factory=list)
    """Records whose offset was committed before their thoughts had ended."""
    letters: "Counter[str]" = field(default_factory=Counter)
    """failure id -> records of the dead letter topic."""
    below: int = 0
    """Records that were found below a committed offset, and looked up."""
    passed: set[str] = field(default_factory=set)
    """Their thoughts."""
    waiting: int = 0
    """Thoughts that were not terminal at the last look."""

    def __post_init__(self) -> None:
        self._postgresql = PostgreSQL(self.database_url)
        self._consumer = self._a_consumer()
        self._next: dict[tuple[str, int], int] = {}
        self.troubles: Counter[str] = Counter()
        """What kept a look from its end, and how often."""
        self._rung: defaultdict[int, dict[int, tuple[str, int]]] = defaultdict(dict)
        self._commits: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        """partition -> offsets as they rose, and when, by PostgreSQL's clock, they were certainly committed."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topics", daemon=True)

    def _a_consumer(self) -> Consumer:
        quiet = {"log_level": 0, "error_cb": lambda _: None, "auto.offset.reset": "earliest"}
        own = {"bootstrap.servers": self.bootstrap, "group.id": self.group, "enable.auto.commit": False}
        return Consumer({**own, **quiet})

    def __enter__(self) -> "Watch":
        topics = (self.topic, self.dead_letters)
        self._next = {(topic, number): OFFSET_BEGINNING for topic in topics for number in self._numbers(topic)}
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
        self._note_commits()
        self._read(self._consumer.consume(2_000, 0.2))
        for number in list(self._rung):
            self._check(number)

    def _read(self, messages: Sequence[Message]) -> None:
        """Take them in, but for what is an error: whoever is told one must not go on as if nothing were missing."""
        for message in messages:
            if message.error() is None:
                self._take(message)
        if errors := [error for message in messages if (error := message.error())]:
            raise KafkaException(errors[0])

    def _note_commits(self) -> None:
        """What was committed when the answer came was committed before PostgreSQL was asked for the time."""
        partitions = [TopicPartition(topic, number) for topic, number in self._next if topic == self.topic]
        committed = self._consumer.committed(partitions, timeout=ANSWER_SECONDS)
        ((now,),) = self._postgresql.rows(CLOCK)
        for partition in committed:
            risen = self._commits[partition.partition]
            known = partition.error is None and partition.offset != OFFSET_INVALID
            if known and (not risen or partition.offset > risen[-1][0]):
                risen.append((partition.offset, now))

    def _take(self, message: Message) -> None:
        told: dict[str, Any] = headers(message)
        number, offset = message.partition(), message.offset()
        self._next[str(message.topic()), number or 0] = (offset or 0) + 1
        if message.topic() == self.dead_letters:
            self.letters[told["failure-id"].decode()] += 1
        elif number is not None and offset is not None:
            thought = json.loads(message.value() or b"")["thought_id"]
            self._rung[number][offset] = (thought, int(told["turn"]))

    def _check(self, number: int) -> None:
        """Look the records up that lie below a commit and were not looked up before: each thought had ended by the time
        at which its offset was first found committed. One that has another turn by now had."""
        rung, risen = self._rung[number], self._commits[number]
        found = {offset: rung[offset] for offset in rung if risen and offset < risen[-1][0]}
        rows = self._postgresql.rows(PAST, [thought for thought, _ in found.values()]) if found else []
        ended = {(name, turn): finished_at for name, turn, finished_at in rows}
        for offset, bell in found.items():
            self.below += 1
            at = next(at for committed, at in risen if committed > offset)
            finished_at = ended.get(bell, 0.0)
            if finished_at is None or finished_at > at:
                self.broken.append(f"offset {offset} of partition {number} was committed before {bell[0]} had ended")
            del rung[offset]
            self.passed.add(bell[0])
