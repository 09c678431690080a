"""The promise, sentence by sentence: what is noted while a history goes on, and what must hold at once and at its end.

Nothing is raised where a sentence is broken, since the code that is tested catches what it can: the first breach is
kept, and ends the history.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final
from uuid import UUID

from tests.simulation.kafka import Message
from tests.simulation.rows import DeadLetter, Thought

PATIENCE: Final = 20.0
ATTEMPTS: Final = 4
DEADLINE: Final = 60.0
"""Seconds of a call after which its worker renews it no more."""

MOST_UNHEARD: Final = 1
"""Renewals, one after the other, that may fail without anybody presuming the worker dead."""

NOTICED: Final = 12.0
"""Seconds of an outage that no living bridge can miss, and how much of its patience a bridge may lose to noticing."""


class Sentence(Enum):
    """The promise."""

    ENDS = "every accepted thought reaches a terminal state"
    ORDER = "no step starts before the thought written earlier is terminal"
    ONCE = "a saved step is never run again"
    PAID = "a call is paid twice only if its worker was killed or silent for the patience"
    RETRIES = "three retries stay three"
    OFFSETS = "an offset is never committed past a non-terminal thought"
    ALONE = "a step whose worker died is taken alone the next time"
    LETTERS = "every failure is once in the index and at least once, with one failure id, in the topic"


@dataclass(frozen=True, slots=True)
class Breach:
    """A sentence, and what broke it."""

    sentence: Sentence
    what: str


@dataclass(slots=True)
class Paid:
    """A paid call and how it ended; `excused` when its worker was killed or its silence outlasted the patience."""

    call: UUID
    process: Any
    at: float
    failed: bool = False
    excused: bool = False

    def was_still(self, since: float) -> bool:
        """Whether its worker was dead or stopped at some time since then."""
        return bool(self.process.dead or self.process.stopped or self.process.awake_since > since)


@dataclass
class Promise:
    """The observer. `now` is the true time, which no clock of the system can change."""

    now: Callable[[], float]
    breach: Breach | None = None
    asker: Any = None
    """The process whose statement is being executed."""
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When PostgreSQL was away: from, to."""
    alone: set[UUID] = field(default_factory=set)
    """Calls of messages of the queue `solo`."""
    met: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    _places: int = 0
    _lines: dict[UUID, list[Thought]] = field(default_factory=lambda: defaultdict(list))
    _heard: dict[UUID, float] = field(default_factory=dict)
    _unheard: dict[Any, list[float]] = field(default_factory=lambda: defaultdict(list))
    _begun: Counter[tuple[UUID, int, int]] = field(default_factory=Counter)
    _paid: dict[tuple[UUID, int, int], list[Paid]] = field(default_factory=lambda: defaultdict(list))
    _saved: set[tuple[UUID, int]] = field(default_factory=set)
    _failures: list[tuple[UUID, int]] = field(default_factory=list)
    _accepted: set[UUID] = field(default_factory=set)
    _answered: set[UUID] = field(default_factory=set)

    def broken(self, sentence: Sentence, what: str) -> None:
        """Keep the first breach."""
        if self.breach is None:
            self.breach = Breach(sentence, what)

    def next_place(self) -> int:
        """What is written now comes after all that was written before."""
        self._places += 1
        return self._places

    def stored(self, thought: Thought) -> None:
        """A thought was written."""
        self._lines[thought.user_id].append(thought)
        self._accepted.add(thought.id)

    def answered(self, thought_id: UUID) -> None:
        """Somebody was told that a thought is accepted."""
        self._answered.add(thought_id)

    # A step.

    def claimed(self, t: Thought, step: int, call: UUID, wait: float) -> None:
        """A call may begin: PostgreSQL said *run*, though a retry had to wait so long yet."""
        self.claims += 1
        if not t.is_open:
            self.broken(Sentence.ENDS, f"a thought that is {t.status} was taken up again")
        if wait > 0:
            self.broken(Sentence.RETRIES, f"a retry began {wait:.1f} s before its time")
        if t.losses and call not in self.alone:
            self.broken(Sentence.ALONE, "a step whose worker died was taken together with others")
        self._in_order(t)
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"step {step} was claimed again after its save")
        if any((t.id, earlier) not in self._saved for earlier in range(1, step)):
            self.broken(Sentence.ORDER, f"step {step} was claimed before the one in front of it was saved")
        if t.call_id is not None and t.call_id != call:
            self.robbed(t)
        self._begun[t.id, t.turn, step] += 1
        if self._begun[t.id, t.turn, step] > ATTEMPTS:
            self.broken(Sentence.RETRIES, f"call {self._begun[t.id, t.turn, step]} of step {step} was begun")

    def robbed(self, t: Thought) -> None:
        """A call that was in progress is not any more, though nobody watched it being silent."""
        self.met["robbed"] += 1

    def heard(self, t: Thought) -> None:
        """The worker of the call in progress gave a sign of life."""
        if t.call_id is not None:
            self._heard[t.call_id] = self.now()

    def unheard(self, process: Any) -> None:
        """A renewal did not get to PostgreSQL in time."""
        self._unheard[process].append(self.now())

    def taken_over(self, t: Thought) -> None:
        """A bridge presumes the worker of the call in progress dead."""
        call, now = t.call_id, self.now()
        assert call is not None
        silence = now - self._heard[call]
        if silence < PATIENCE - 1e-6:
            self.broken(Sentence.PAID, f"a call was taken from its worker after {silence:g} s of silence")
        began, ended = self.outages[-1] if self.outages else (-1e9, -1e9)
        noticed = ended - began >= NOTICED and self.asker is not None and self.asker.awake_since < began
        if noticed and now < ended + PATIENCE - NOTICED:
            self.broken(Sentence.PAID, "a call was taken over for a silence in which PostgreSQL could hear nobody")
        silent_since = self._heard[call]
        for paid in self._calls_of(call):
            paid.excused = True
            cut_off = any(ended > silent_since for _, ended in self.outages) or self._is_cut_off(paid, silent_since)
            if not cut_off and now - paid.at < DEADLINE and not paid.was_still(silent_since):
                self.broken(Sentence.PAID, "a call was taken from a worker that lives and could be heard")

    def _is_cut_off(self, paid: Paid, since: float) -> bool:
        return sum(at > since for at in self._unheard[paid.process]) > MOST_UNHEARD

    def paid(self, t: Thought, step: int, call: UUID, process: Any) -> None:
        """The agent is called: from here on it costs."""
        self._in_order(t)
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"step {step} was paid again after its save")
        earlier = self._paid[t.id, t.turn, step]
        for one in earlier:
            if not (one.failed or one.excused or one.process.dead):
                self.broken(Sentence.PAID, f"step {step} was paid twice, and its first worker lives")
        if t.call_id != call and t.status != "deleted":
            self.broken(Sentence.PAID, f"step {step} was paid by a call that was fenced before")
        earlier.append(Paid(call, process, self.now()))
        if len(earlier) > ATTEMPTS:
            self.broken(Sentence.RETRIES, f"step {step} was paid for the {len(earlier)}th time")

    def left(self, t: Thought | None, calls: list[UUID]) -> None:
        """A worker has ended an execution of a step: what it paid for is written, or it was told that it is fenced."""
        if t is not None and t.call_id in calls and t.is_open:
            self.broken(Sentence.PAID, "a living worker left a call in progress, which will be paid again")

    def agent_failed(self, t: Thought, step: int, call: UUID) -> None:
        """The agent gave no result: to call it again is no second payment."""
        for paid in self._calls_of(call):
            paid.failed = True

    def _calls_of(self, call: UUID) -> list[Paid]:
        return [paid for calls in self._paid.values() for paid in calls if paid.call == call]

    def _in_order(self, t: Thought) -> None:
        for other in self._lines[t.user_id]:
            if other.finished_at is None and other.place < t.place:
                self.broken(Sentence.ORDER, "a step starts while a thought that was written earlier is open")

    def saved(self, t: Thought, step: int, call: UUID) -> None:
        """A result is written."""
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"step {step} was saved twice")
        if t.call_id != call:
            self.broken(Sentence.ONCE, f"step {step} was saved by a call that was fenced before")
        self._saved.add((t.id, step))

    def sent_back(self, t: Thought, letter: DeadLetter) -> None:
        """A thought is replayed."""
        if t.status != "failed":
            self.broken(Sentence.ENDS, f"a thought that is {t.status} was replayed")
        if letter.state != "open":
            self.broken(Sentence.LETTERS, f"a dead letter that is {letter.state} was replayed")

    def gave_up(self, t: Thought, step: int, reason: str) -> None:
        """A thought fails."""
        self._failures.append((t.id, t.turn))
        begun = self._begun[t.id, t.turn, step]
        if reason in {"transient", "lost"} and begun != ATTEMPTS:
            self.broken(Sentence.RETRIES, f"a thought was given up as {reason} after {begun} calls of its step")
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"a thought was given up at step {step}, which is saved")

    # The log.

    def was_terminal(self, t: Thought, turn: int | None) -> bool:
        """Whether a thought was over in this turn; a record without one speaks of the first."""
        if turn is not None and turn != t.turn:
            return True
        return t.finished_at is not None or (turn is None and any(one == t.id for one, _ in self._failures))

    def is_buried(self, message: Message, index: dict[str, DeadLetter]) -> bool:
        """Whether a record that can be no thought is in the index."""
        wanted = {"partition": message.number, "offset": message.at, "timestamp": message.stamp}
        return any(wanted.items() <= _place(one).items() for one in index.values() if one.thought_id is None)

    # The end.

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
