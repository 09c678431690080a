"""Monitors Kafka during a run: committed offsets, and the records of the dead letter topic."""

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, Message, TopicPartition

from contracts.foreign_items import INSTALLATION_HEADER, is_foreign
from contracts.settings import Settings
from tests.bridge.topic_contents import headers_by_name
from tests.faults.readers import PostgresReader

POLL_SECONDS = 1.0
REQUEST_TIMEOUT_SECONDS = 5.0

OPEN_THOUGHTS = "SELECT count(*) FROM thoughts WHERE finished_at IS NULL"

CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"

INSTALLATION = "SELECT id::text FROM installation"

FINISHED = """
    SELECT id::text, turn, extract(epoch FROM finished_at)::float8 FROM thoughts WHERE id = ANY (%s::uuid[])
"""

TOPIC, DEAD_LETTERS, GROUP = (
    str(Settings.model_fields[name].default)
    for name in ("kafka_topic", "kafka_dead_letter_topic", "kafka_consumer_group")
)


@dataclass
class TopicMonitor:
    """A thread that reads the topics and the commits every second. Kafka and PostgreSQL may both be unavailable."""

    bootstrap: str
    database_url: str
    topic: str = TOPIC
    dead_letter_topic: str = DEAD_LETTERS
    group: str = GROUP
    violations: list[str] = field(default_factory=list)
    """Offsets that were committed before their thoughts had ended."""
    dead_letters: "Counter[str]" = field(default_factory=Counter)
    """Failure id -> its records in the dead letter topic."""
    verified: int = 0
    """Committed records whose thoughts were checked."""
    committed: set[str] = field(default_factory=set)
    """The thoughts of these records."""
    open_thoughts: int = 0
    """Thoughts that were not terminal at the last poll."""

    def __post_init__(self) -> None:
        self._postgres = PostgresReader(self.database_url)
        self._consumer = self._make_consumer()
        self._next: dict[tuple[str, int], int] = {}
        self.failed_reads: Counter[str] = Counter()
        """Error -> how many polls it interrupted."""
        self._installation = ""
        """The id of the stack's installation; empty before the first record."""
        self._uncommitted: defaultdict[int, dict[int, tuple[str, int]]] = defaultdict(dict)
        """Partition -> offset -> the thought and the turn of the record."""
        self._commits: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
        """Partition -> rising offsets, each with a time of PostgreSQL's clock at which it was certainly committed."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topics", daemon=True)

    def _make_consumer(self) -> Consumer:
        quiet = {"log_level": 0, "error_cb": lambda _: None, "auto.offset.reset": "earliest"}
        connection = {"bootstrap.servers": self.bootstrap, "group.id": self.group, "enable.auto.commit": False}
        return Consumer({**connection, **quiet})

    def __enter__(self) -> "TopicMonitor":
        topics = (self.topic, self.dead_letter_topic)
        self._next = {(topic, number): OFFSET_BEGINNING for topic in topics for number in self._partitions(topic)}
        self._assign()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(60)
        self._consumer.close()
        self._postgres.close()

    @property
    def is_running(self) -> bool:
        """Whether the thread still polls; an unexpected error would end it."""
        return self._thread.is_alive()

    @property
    def uncommitted(self) -> int:
        """How many records were read and are not yet below a committed offset."""
        return sum(map(len, list(self._uncommitted.values())))

    def _partitions(self, topic: str) -> list[int]:
        return list(self._consumer.list_topics(topic, REQUEST_TIMEOUT_SECONDS).topics[topic].partitions)

    def _assign(self) -> None:
        self._consumer.assign([TopicPartition(topic, number, offset) for (topic, number), offset in self._next.items()])

    def _run(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._poll()
            except psycopg2.Error as error:
                self.failed_reads[type(error).__name__] += 1
            except KafkaException as error:
                self.failed_reads[str(error.args[0].name())] += 1
                self._replace_consumer()

    def _replace_consumer(self) -> None:
        """Continue where the failed consumer ended, with a new one that keeps no state of the error."""
        self._consumer.close()
        self._consumer = self._make_consumer()
        self._assign()

    def _poll(self) -> None:
        ((self.open_thoughts,),) = self._postgres.rows(OPEN_THOUGHTS)
        self._read_commits()
        self._read(self._consumer.consume(2_000, 0.2))
        for number in list(self._uncommitted):
            self._verify_commits(number)

    def _read(self, messages: Sequence[Message]) -> None:
        """Add the records, then raise the first error: an ignored one could hide records. Raises KafkaException."""
        for message in messages:
            if message.error() is None:
                self._add(message)
        if errors := [error for message in messages if (error := message.error())]:
            raise KafkaException(errors[0])

    def _read_commits(self) -> None:
        """Read the commits first and the clock afterwards, so that every commit is older than its time."""
        partitions = [TopicPartition(topic, number) for topic, number in self._next if topic == self.topic]
        committed = self._consumer.committed(partitions, timeout=REQUEST_TIMEOUT_SECONDS)
        ((now,),) = self._postgres.rows(CLOCK)
        for partition in committed:
            commits = self._commits[partition.partition]
            is_known = partition.error is None and partition.offset != OFFSET_INVALID
            if is_known and (not commits or partition.offset > commits[-1][0]):
                commits.append((partition.offset, now))

    def _add(self, message: Message) -> None:
        headers: dict[str, Any] = headers_by_name(message)
        number, offset = message.partition(), message.offset()
        self._next[str(message.topic()), number or 0] = (offset or 0) + 1
        if self._is_foreign(headers):
            return
        if message.topic() == self.dead_letter_topic:
            self.dead_letters[headers["failure-id"].decode()] += 1
        elif number is not None and offset is not None:
            thought_id = json.loads(message.value() or b"")["thought_id"]
            self._uncommitted[number][offset] = (thought_id, int(headers["turn"]))

    def _is_foreign(self, headers: dict[str, Any]) -> bool:
        """Return whether another installation wrote a record; this one commits it and does nothing with it."""
        sender = headers.get(INSTALLATION_HEADER)
        if sender is None:
            return False
        if not self._installation:
            ((self._installation,),) = self._postgres.rows(INSTALLATION)
        return is_foreign(sender.decode(), self._installation)

    def _verify_commits(self, number: int) -> None:
        """Check that the thoughts of newly committed records had ended when the commit was first seen.

        A thought that has another turn by now had ended in the record's turn.
        """
        records, commits = self._uncommitted[number], self._commits[number]
        newly_committed = {offset: records[offset] for offset in records if commits and offset < commits[-1][0]}
        rows = (
            self._postgres.rows(FINISHED, [thought_id for thought_id, _ in newly_committed.values()])
            if newly_committed
            else []
        )
        finished = {(thought_id, turn): finished_at for thought_id, turn, finished_at in rows}
        for offset, (thought_id, turn) in newly_committed.items():
            self.verified += 1
            committed_at = next(at for committed, at in commits if committed > offset)
            finished_at = finished.get((thought_id, turn), 0.0)
            if finished_at is None or finished_at > committed_at:
                self.violations.append(
                    f"offset {offset} of partition {number} was committed before thought {thought_id} had ended"
                )
            del records[offset]
            self.committed.add(thought_id)
