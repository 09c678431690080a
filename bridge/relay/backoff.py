"""Pauses outbox rows that Kafka does not accept now, so that they do not delay the others.

A topic is paused when it is missing or may not be written to. An order key, which stands for a topic's rows with the
same key, is paused when one of its rows was not accepted in time. All its later rows wait too, so that the order within
the key is kept. The pause doubles with each timeout, so that a partition without a leader costs less and less. It ends
for all order keys of a partition when that partition accepts a record again. Pure; `now` is passed in, in seconds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

TOPIC_PAUSE_SECONDS: Final = 5.0
KEY_PAUSE_SECONDS: Final = 5.0
MAX_KEY_PAUSE_SECONDS: Final = 160.0

MAX_PAUSED_KEYS: Final = 10_000
"""When more keys than this are paused, all of them are tried again."""

PartitionName = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pause of an order key.

    It is remembered for `seconds` more after it has ended, so that the next timeout doubles it.
    """

    partition: PartitionName
    until: float
    seconds: float


class BackoffRegistry:
    """Holds the paused topics and order keys, each with the end of its pause."""

    def __init__(self) -> None:
        self._topics: dict[str, float] = {}
        self._keys: dict[str, Backoff] = {}
        self._kafka_accepts = False

    def paused_topics(self, now: float) -> list[str]:
        """Return the topics that are paused now."""
        self._topics = {topic: until for topic, until in self._topics.items() if until > now}
        return list(self._topics)

    def paused_keys(self, now: float) -> list[str]:
        """Return the order keys that are paused now."""
        self._keys = {key: backoff for key, backoff in self._keys.items() if backoff.until + backoff.seconds > now}
        return [key for key, backoff in self._keys.items() if backoff.until > now]

    def pause_topic(self, topic: str, now: float) -> None:
        """Pause a topic that Kafka does not accept records for."""
        self._topics[topic] = now + TOPIC_PAUSE_SECONDS

    def record_outcome(
        self, accepting: Collection[PartitionName], timed_out: Mapping[str, PartitionName], now: float
    ) -> None:
        """Apply the outcome of a batch.

        `accepting` are the partitions that accepted a record; `timed_out` maps the order keys whose rows timed out to
        their partitions.
        """
        paused_partitions = {backoff.partition for backoff in self._keys.values()}
        if accepting:
            self._kafka_accepts = True
            self._keys = {key: backoff for key, backoff in self._keys.items() if backoff.partition not in accepting}
        elif not paused_partitions.issuperset(timed_out.values()):
            self._kafka_accepts = False
        for key, partition in timed_out.items():
            self._pause_key(key, partition, now)

    def resume_all(self) -> bool:
        """Resume all order keys if Kafka accepts nothing at all, and return whether any was paused.

        For the moment when no other row waits: without this, the rows would stay paused after Kafka has returned.
        """
        if self._kafka_accepts or not self._keys:
            return False
        self._keys.clear()
        return True

    def _pause_key(self, key: str, partition: PartitionName, now: float) -> None:
        previous = self._keys.get(key)
        if previous is None and len(self._keys) >= MAX_PAUSED_KEYS:
            self._keys.clear()
        seconds = KEY_PAUSE_SECONDS if previous is None else min(MAX_KEY_PAUSE_SECONDS, 2 * previous.seconds)
        self._keys[key] = Backoff(partition, now + seconds, seconds)
