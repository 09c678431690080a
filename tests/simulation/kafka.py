"""Kafka in memory: the work topic's log, the group's commits, and the dead letter topic."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException

if TYPE_CHECKING:
    from tests.simulation.consumer_group import Consumer

PARTITIONS: Final = 2

Pairs = Sequence[tuple[str, bytes | None]]


class EventFields(NamedTuple):
    """The event in a record, and the turn in its header."""

    user: UUID
    thought: UUID
    turn: int | None
    text: str


def unavailable_error() -> KafkaException:
    """Return what librdkafka raises when no broker answers."""
    return KafkaException(KafkaError(KafkaError._TRANSPORT))


@dataclass(slots=True)
class Message:
    """A record, with librdkafka's accessors."""

    partition_number: int
    log_offset: int
    timestamp_ms: int | None
    value_: bytes | None
    headers_: Pairs
    key_: bytes | None
    event: EventFields | None = None
    """None where the value is no event."""
    writes_before: int = 0
    """How many accepts and replays there were before the record was written."""
    error_: KafkaError | None = None
    is_corrupt: bool = False
    """Its readers get an error in place of the record."""
    is_transaction_marker: bool = False
    """Its readers do not see it."""

    def __len__(self) -> int:
        return len(self.value_ or b"")

    def error(self) -> KafkaError | None:
        return self.error_

    def partition(self) -> int:
        return self.partition_number

    def offset(self) -> int:
        return self.log_offset

    def timestamp(self) -> tuple[int, int | None]:
        return (1, self.timestamp_ms)

    def leader_epoch(self) -> None:
        """Return None: the simulation loses whole logs and never only their tails."""

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> Pairs:
        return self.headers_

    def key(self) -> bytes | None:
        return self.key_

    def is_of(self, user: UUID, thought: UUID) -> bool:
        """Return whether its event names this user and this thought."""
        return self.event is not None and (self.event.user, self.event.thought) == (user, thought)

    def is_external(self, user: UUID) -> bool:
        """Return whether an external producer wrote it for this user."""
        return self.event is not None and self.event.user == user and self.event.turn is None


def _event_fields(value: bytes | None, headers: Pairs) -> EventFields | None:
    try:
        event = json.loads(value or b"")
        header = dict(headers).get("turn")
        turn = None if header is None else int(header)
        return EventFields(UUID(event["user_id"]), UUID(event["thought_id"]), turn, event["text"])
    except (ValueError, KeyError, TypeError):
        return None


@dataclass
class Partition:
    """A partition's log, the group's commit, and its owner."""

    records: list[Message] = field(default_factory=list)
    low: int = 0
    committed: tuple[int, str] | None = None
    checked_below: int = 0
    """All records below this offset were done when it was committed."""
    next_owner: "Consumer | None" = None
    """The member to which the group assigns it."""
    owner: "Consumer | None" = None


PARTITION_PAUSED: Final = "a full lane pauses its partition"


class Kafka:
    """The broker. `check_commit` is called with each commit before it is made; `count_writes` returns the number of
    accepts and replays so far."""

    def __init__(
        self,
        now: Callable[[], float],
        wall_clock: Callable[[], float],
        check_commit: Callable[[Partition, int], None],
        count_writes: Callable[[], int],
    ) -> None:
        self.now = now
        self._wall_clock = wall_clock
        self._check_commit = check_commit
        self._count_writes = count_writes
        self.is_unavailable = False
        self.observations: Counter[str] = Counter()
        self.generation = 1
        self.delayed_commits: list[Consumer] = []
        """Members with a commit on the way, alive or not."""
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.dead_letter_ids: list[str | None] = []
        """The failure ids in the dead letter topic."""

    @property
    def topic_id(self) -> str:
        return f"log-{self.generation}"

    def produce(self, value: bytes | None, headers: Pairs, key: bytes | None, number: int) -> int:
        """Append a record and return its offset."""
        log = self.partitions[number].records
        timestamp_ms = int(self._wall_clock() * 1000)
        event = _event_fields(value, headers)
        log.append(Message(number, len(log), timestamp_ms, value, headers, key, event, self._count_writes()))
        return len(log) - 1

    def append_corrupt(self, number: int) -> None:
        """Append a record that cannot be decoded. Nothing is known of it, not even its timestamp."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), None, None, [], None, is_corrupt=True))

    def append_transaction_marker(self, number: int) -> None:
        """Append the marker of a transaction's end."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), None, None, [], None, is_transaction_marker=True))

    def recreate_topic(self, *, keep_commits: bool) -> None:
        """Replace the topic by an empty one of another id. The group's commits for the old one may stay."""
        self.generation += 1
        for partition in self.partitions:
            partition.records, partition.low, partition.checked_below = [], 0, 0
            partition.committed = partition.committed if keep_commits else None

    def commit(self, number: int, offset: int, metadata: str, described_generation: int) -> None:
        """Commit for the group, also for a topic that was recreated after the member had asked for its id."""
        partition = self.partitions[number]
        if described_generation == self.generation:
            self._check_commit(partition, offset)
        partition.committed = (offset, metadata)
