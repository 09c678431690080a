"""The promise: what is noted while a history goes on besides its steps, and what must hold at its end."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.simulation.kafka import Message
from tests.simulation.rows import DeadLetter, Thought
from tests.simulation.sentences import Sentence
from tests.simulation.steps import Steps


@dataclass
class Promise(Steps):
    """The observer."""

    in_log: Callable[[Thought], None] = lambda _: None
    """Called with what a bridge stores."""
    places: int = 0
    """How many were given so far."""
    _accepted: set[UUID] = field(default_factory=set)
    _batched: set[UUID] = field(default_factory=set)
    _answered: set[UUID] = field(default_factory=set)

    def next_place(self) -> int:
        """What is written now comes after all that was written before."""
        self.places += 1
        return self.places

    def stored(self, thought: Thought) -> None:
        """A thought was written; a bridge does it for others."""
        if self.asker is not None and self.asker.kind == "bridge":
            self.in_log(thought)
        self._lines[thought.user_id].append(thought)
        self._accepted.add(thought.id)

    def answered(self, thought_id: UUID) -> None:
        """Somebody was told that a thought is accepted."""
        self._answered.add(thought_id)

    def batch_asked(self, asked_at: float, thoughts: Iterable[Thought]) -> None:
        """A request for a batch was written; what a clock that was set back dates later waits for the next one."""
        self._batched |= {one.id for one in thoughts if one.created_at <= asked_at}

    def batched(self, thoughts: dict[UUID, Thought]) -> None:
        """Nothing more will happen in batch mode without another request."""
        for one in self._batched:
            if thoughts[one].is_open:
                self.broken(Sentence.BATCHES, f"thought {one.int} was accepted before a batch was asked for, and waits")

    def told(self, topic: str) -> None:
        """Something is written for Kafka."""
        settings = self.asker.settings if self.asker else None
        if settings and not settings.kafka_enabled and topic != settings.kafka_dead_letter_topic:
            self.broken(Sentence.QUIET, f"a record for {topic} waits for a Kafka that is not there")

    def sent_back(self, t: Thought, letter: DeadLetter) -> None:
        """A thought is replayed; the batch that it may have been of has done its part."""
        self._batched.discard(t.id)
        if t.status != "failed":
            self.broken(Sentence.ENDS, f"a thought that is {t.status} was replayed")
        self.closed(letter)

    def closed(self, letter: DeadLetter) -> None:
        """Something is done about a dead letter."""
        if letter.state != "open":
            self.broken(Sentence.LETTERS, f"a dead letter that is {letter.state} was closed once more")

    def was_terminal(self, t: Thought, turn: int | None, written: int) -> bool:
        """Whether a thought was over in the turn of a record, which was written after so many places were given.

        A record without a turn speaks of the first, and so does one with a turn that the thought did not have by then:
        anybody may write that.
        """
        if (t.id, turn) in self._failures:
            return True
        had_it = turn == t.turn and written >= t.place
        return t.finished_at is not None or (not had_it and any(one == t.id for one, _ in self._failures))

    def is_buried(self, message: Message, index: dict[str, DeadLetter]) -> bool:
        """Whether a record that can be no thought is in the index."""
        wanted = {"partition": message.number, "offset": message.at, "timestamp": message.stamp}
        return any(wanted.items() <= _place(one).items() for one in index.values() if one.thought_id is None)

    def ended(self, thoughts: dict[UUID, Thought]) -> None:
        """Nothing more will happen: everything must be over."""
        for one in self._answered - set(thoughts):
            self.broken(Sentence.ENDS, f"thought {one.int} was acknowledged and is not there")
        for t in thoughts.values():
            if t.is_open:
                self.broken(Sentence.ENDS, f"thought {t.id.int} is {t.status} for ever, at step {t.steps_done + 1}")
            last = 5 if t.status == "completed" else t.steps_done
            if any((t.id, step) not in self._saved for step in range(1, last + 1)):
                self.broken(Sentence.ENDS, f"thought {t.id.int} is {t.status} without all its results")

    def letters(self, index: dict[str, DeadLetter], topic: Iterable[str | None]) -> None:
        """The index of dead letters against the topic, and both against what failed."""
        of_thoughts = Counter((one.thought_id, one.turn) for one in index.values() if one.thought_id)
        if of_thoughts != Counter(self._failures):
            self.broken(Sentence.LETTERS, f"{len(self._failures)} failures, {of_thoughts.total()} in the index")
        records = (one for one in index.values() if one.thought_id is None)
        places = Counter(str((sorted(_place(one).items()), one.value)) for one in records)
        if any(number > 1 for number in places.values()):
            self.broken(Sentence.LETTERS, "one record is in the index twice")
        published = set(topic)
        if published != set(index):
            missing, strange = set(index) - published, published - set(index)
            self.broken(Sentence.LETTERS, f"not in the topic: {len(missing)}; not in the index: {len(strange)}")


def _place(letter: DeadLetter) -> dict[str, Any]:
    found: dict[str, Any] = letter.headers.get("origin") or {}
    return found
