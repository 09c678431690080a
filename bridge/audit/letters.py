"""Dead letters: the table against the topic, from the topic's first record on, and both against the thoughts."""

from collections.abc import Sequence

from bridge.audit import findings
from bridge.audit.facts import Facts
from bridge.audit.look import Look
from bridge.damage import Damaged
from bridge.log import Log, Stands
from bridge.messages import headers
from bridge.positions import Position
from contracts.database import Row
from contracts.dead_letters import read_headers
from contracts.settings import Settings

Place = tuple[str, int, int]
"""Failure id, partition and offset of a record in the dead letter topic."""


class Letters:
    """Kept from one look to the next, it reads of the topic only what is new."""

    def __init__(self, settings: Settings, facts: Facts, log: Log | None) -> None:
        self._topic = settings.kafka_dead_letter_topic
        self._facts = facts
        self._log = log
        self._topic_id = ""
        self._read: dict[int, int] = {}
        self._places: dict[str, tuple[int, int]] = {}

    def look(self, found: Look) -> None:
        """Count and compare."""
        sums = self._facts.letters()
        found.numbers["dead_letters_indexed"], found.numbers["dead_letters_open"] = sums.indexed, sums.open
        found.numbers["dead_letters_unpublished"] = sums.unpublished
        found.findings += [
            findings.letter_of_no_failure(row.failure_id, row.thought, row.status)
            for row in self._facts.letters_of_no_failure()
        ]
        if self._log is not None:
            self._compare(self._log, found)

    def _compare(self, log: Log, found: Look) -> None:
        """The table is read before the ends of the topic: what it says to be published is there by then."""
        published = [row for row in self._facts.published_letters() if row.failure_id not in self._places]
        positions = log.positions(self._topic)
        first = {one.partition: one.low for one in positions}
        self._read_new(log, positions, first)
        found.numbers["dead_letters_in_topic"] = len(self._places)
        found.findings += self._not_indexed()
        found.findings += [
            findings.letter_not_in_topic(row.failure_id, row.thought, row.kafka_partition, row.kafka_offset)
            for row in published
            if self._is_missing(row, first)
        ]

    def _read_new(self, log: Log, positions: Sequence[Position], first: dict[int, int]) -> None:
        """A topic that was made anew, or has lost records at its end, is read from its first record again.

        What expired is forgotten, so that a relay's audit holds no more than the topic does.
        """
        if any(one.topic_id != self._topic_id or self._read.get(one.partition, 0) > one.high for one in positions):
            self._read, self._places = {}, {}
        self._topic_id = positions[0].topic_id if positions else ""
        spans = [(one.partition, max(one.low, self._read.get(one.partition, 0)), one.high) for one in positions]
        self._places = {name: at for name, at in self._places.items() if at[1] >= first.get(at[0], 0)}
        for messages in log.records(self._topic, spans):
            self._places |= {place[0]: place[1:] for place in map(_place, messages) if place}
        self._read = {one.partition: one.high for one in positions}

    def _not_indexed(self) -> list[findings.Finding]:
        names = list(self._places)
        unknown: set[str] = set()
        for start in range(0, len(names), 5_000):
            asked = names[start : start + 5_000]
            unknown |= set(asked) - self._facts.indexed(asked)
        return [findings.letter_not_indexed(name, *self._places[name]) for name in sorted(unknown)]

    def _is_missing(self, row: Row, first: dict[int, int]) -> bool:
        """Expired records are not missed; a partition that is not there any more never had them."""
        return row.failure_id not in self._places and row.kafka_offset >= first.get(row.kafka_partition, 0)


def _place(message: Stands) -> Place | None:
    """None for a record that is no dead letter of ours: it is read as by who rebuilds the table."""
    if isinstance(message, Damaged):
        return None
    told = read_headers(headers(message))
    return None if told is None else (told[0], message.partition() or 0, message.offset() or 0)
