"""What the relay leaves in the outbox for a while, because Kafka does not take it now and others shall not wait for it.

A topic rests that is missing or may not be written to. A line, that is a topic's rows of one key, rests when one of
them was not taken in time: all later ones wait with it, so that the order of the key is kept. Its pause doubles each
time, so that a partition without a leader costs less and less, and ends for all its lines with the first record that
the partition takes again. Pure; `now` is handed in, in seconds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

TOPIC_SECONDS: Final = 5.0
LINE_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 160.0

MOST_LINES: Final = 10_000
"""When there are more of them, all are tried again."""

Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Of a line, so many `seconds` long. It is remembered for as long again, to be doubled."""

    place: Place
    until: float
    seconds: float


class Resting:
    """Topics and lines, each with the end of its pause."""

    def __init__(self) -> None:
        self._topics: dict[str, float] = {}
        self._lines: dict[str, Pause] = {}
        self._some_are_taken = False

    def topics(self, now: float) -> list[str]:
        """Those that rest."""
        self._topics = {topic: until for topic, until in self._topics.items() if until > now}
        return list(self._topics)

    def lines(self, now: float) -> list[str]:
        """Those that rest."""
        self._lines = {line: pause for line, pause in self._lines.items() if pause.until + pause.seconds > now}
        return [line for line, pause in self._lines.items() if pause.until > now]

    def rest_topic(self, topic: str, now: float) -> None:
        """Kafka takes nothing of it."""
        self._topics[topic] = now + TOPIC_SECONDS

    def note(self, taken: Collection[Place], late: Mapping[str, Place], now: float) -> None:
        """What became of a batch: which partitions took a record, and whose rows (line -> partition) were late."""
        known = {pause.place for pause in self._lines.values()}
        if taken:
            self._some_are_taken = True
            self._lines = {line: pause for line, pause in self._lines.items() if pause.place not in taken}
        elif not known.issuperset(late.values()):
            self._some_are_taken = False
        for line, place in late.items():
            self._rest_line(line, place, now)

    def wake(self) -> bool:
        """For when nothing else waits: whether lines were woken, because Kafka takes nothing at all. Else they would
        sleep on when it comes back."""
        if self._some_are_taken or not self._lines:
            return False
        self._lines.clear()
        return True

    def _rest_line(self, line: str, place: Place, now: float) -> None:
        known = self._lines.get(line)
        if known is None and len(self._lines) >= MOST_LINES:
            self._lines.clear()
        seconds = LINE_SECONDS if known is None else min(LONGEST_SECONDS, 2 * known.seconds)
        self._lines[line] = Pause(place, now + seconds, seconds)
