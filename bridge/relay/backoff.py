"""What the relay leaves in the outbox for a while, because Kafka does not take it now and others shall not wait for it.

A topic rests that is missing or may not be written to. A line, that is a topic's rows of one key, rests when one of
them was not taken in time: all later ones wait with it, so that the order of the key is kept. Its pause doubles each
time, so that a partition without a leader costs less and less, and ends for all its lines with the first record that
the partition takes again. Pure; `now` is handed in, in seconds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

TOPIC_PAUSE_SECONDS: Final = 5.0
KEY_PAUSE_SECONDS: Final = 5.0
MAX_PAUSE_SECONDS: Final = 160.0

MAX_PAUSED_KEYS: Final = 10_000
"""When there are more of them, all are tried again."""

PartitionName = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Of a line, so many `seconds` long. It is remembered for as long again, to be doubled."""

    partition: PartitionName
    until: float
    seconds: float


class BackoffRegistry:
    """Topics and lines, each with the end of its pause."""

    def __init__(self) -> None:
        self._topics: dict[str, float] = {}
        self._keys: dict[str, Backoff] = {}
        self._kafka_accepts = False

    def paused_topics(self, now: float) -> list[str]:
        """Those that rest."""
        self._topics = {topic: until for topic, until in self._topics.items() if until > now}
        return list(self._topics)

    def paused_keys(self, now: float) -> list[str]:
        """Those that rest."""
        self._keys = {line: pause for line, pause in self._keys.items() if pause.until + pause.seconds > now}
        return [line for line, pause in self._keys.items() if pause.until > now]

    def pause_topic(self, topic: str, now: float) -> None:
        """Kafka takes nothing of it."""
        self._topics[topic] = now + TOPIC_PAUSE_SECONDS

    def record_outcome(self, taken: Collection[PartitionName], late: Mapping[str, PartitionName], now: float) -> None:
        """What became of a batch: which partitions took a record, and whose rows (line -> partition) were late."""
        known = {pause.partition for pause in self._keys.values()}
        if taken:
            self._kafka_accepts = True
            self._keys = {line: pause for line, pause in self._keys.items() if pause.partition not in taken}
        elif not known.issuperset(late.values()):
            self._kafka_accepts = False
        for line, place in late.items():
            self._pause_key(line, place, now)

    def resume_all(self) -> bool:
        """For when nothing else waits: whether lines were woken, because Kafka takes nothing at all. Else they would
        sleep on when it comes back."""
        if self._kafka_accepts or not self._keys:
            return False
        self._keys.clear()
        return True

    def _pause_key(self, line: str, place: PartitionName, now: float) -> None:
        known = self._keys.get(line)
        if known is None and len(self._keys) >= MAX_PAUSED_KEYS:
            self._keys.clear()
        seconds = KEY_PAUSE_SECONDS if known is None else min(MAX_PAUSE_SECONDS, 2 * known.seconds)
        self._keys[line] = Backoff(place, now + seconds, seconds)
