"""Kafka in memory: the work topic's log, what its group committed, and the topic of dead letters."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from confluent_kafka import KafkaError, KafkaException

if TYPE_CHECKING:
    from tests.simulation.group import Consumer

PARTITIONS: Final = 2

Pairs = Sequence[tuple[str, bytes | None]]


class Named(NamedTuple):
    """What a record says of itself."""

    user: UUID
    thought: UUID
    turn: int | None
    text: str


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
    named: Named | None = None
    """None where it is no event."""
    written: int = 0
    """How many places in a line were given before."""
    error_: KafkaError | None = None
    damaged: bool = False
    """Nobody who reads it is given more than an error."""
    is_mark: bool = False
    """A transaction's: it is shown to nobody."""

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

    def leader_epoch(self) -> None:
        """Logs are lost as a whole here, never their tails alone."""

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> Pairs:
        return self.headers_

    def key(self) -> bytes | None:
        return self.key_

    def names(self, user: UUID, thought: UUID) -> bool:
        """Whether it is of this thought, as it says itself."""
        return self.named is not None and (self.named.user, self.named.thought) == (user, thought)

    def is_of_others(self, user: UUID) -> bool:
        """Whether another producer wrote it, for this author."""
        return self.named is not None and self.named.user == user and self.named.turn is None


def _named(value: bytes | None, headers: Pairs) -> Named | None:
    try:
        event = json.loads(value or b"")
        turn = dict(headers).get("turn")
        told = None if turn is None else int(turn)
        return Named(UUID(event["user_id"]), UUID(event["thought_id"]), told, event["text"])
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
    """The broker. `check` is called with each commit before it is made; `places` tells how many were given so far."""

    def __init__(
        self,
        now: Callable[[], float],
        clock: Callable[[], float],
        check: Callable[[Partition, int], None],
        places: Callable[[], int],
    ) -> None:
        self.now = now
        self._clock = clock
        self._check = check
        self._places = places
        self.away = False
        self.generation = 1
        self.under_way: list[Consumer] = []
        """Members with a commit under way, whether they live or not."""
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.dead: list[str | None] = []
        """The failure ids in the topic of dead letters."""

    @property
    def topic_id(self) -> str:
        return f"log-{self.generation}"

    def produce(self, value: bytes | None, headers: Pairs, key: bytes | None, number: int) -> int:
        """Append a record; its offset."""
        log = self.partitions[number].records
        stamp = int(self._clock() * 1000)
        named = _named(value, headers)
        log.append(Message(number, len(log), stamp, value, headers, key, named, self._places()))
        return len(log) - 1

    def damage(self, number: int) -> None:
        """Append a record that cannot be decoded; nothing can be told of it, not even when it was written."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), None, None, [], None, damaged=True))

    def end_transaction(self, number: int) -> None:
        """Append the mark of a transaction's end."""
        log = self.partitions[number].records
        log.append(Message(number, len(log), None, None, [], None, is_mark=True))

    def lose_log(self, *, keeps_commits: bool) -> None:
        """The topic is made anew. What the group committed for the old one may still be there."""
        self.generation += 1
        for one in self.partitions:
            one.records, one.low, one.checked = [], 0, 0
            one.committed = one.committed if keeps_commits else None

    def commit(self, number: int, offset: int, metadata: str, described: int) -> None:
        """Commit for the group. Between a member's look at the topic's id and its commit the log may be made anew."""
        partition = self.partitions[number]
        if described == self.generation:
            self._check(partition, offset)
        partition.committed = (offset, metadata)
