"""What is noted of steps while a history goes on, and what must hold at once: who calls an agent, and how often."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from tests.simulation.fibers import Fate
from tests.simulation.rows import Thought
from tests.simulation.sentences import Breach, Sentence

PATIENCE: Final = 20.0
ATTEMPTS: Final = 4
DEADLINE: Final = 60.0
"""Seconds of a call after which its worker renews it no more."""

MOST_UNHEARD: Final = 1
"""Renewals, one after the other, that may fail without anybody presuming the worker dead."""

NOTICED: Final = 12.0
"""Seconds of an outage that no living bridge can miss, and how much of its patience a bridge may lose to noticing."""


ALL_CALLS: Final = "a step used up its calls"

FAILED: Final = frozenset({Fate.TRANSIENT, Fate.PERMANENT, Fate.INVALID})
"""Ways in which an agent gives no result: to call it again is no second payment."""

FINAL: Final = frozenset({Fate.PERMANENT, Fate.UNSTORABLE})
"""Answers after which no other call can help."""


@dataclass(slots=True)
class Paid:
    """A paid call, and what its agent answered; `excused` when its worker was killed or its silence outlasted the
    patience, `left` when its worker has done with it."""

    call: UUID
    place: tuple[UUID, int, int]
    """Thought, turn and step."""
    process: Any
    at: float
    answer: Fate | None = None
    answered_at: float = 0.0
    excused: bool = False
    left: bool = False

    def is_renewed(self, since: float, now: float) -> bool:
        """Whether its worker, if it lives, had to give signs of life all that time: not while its agent overstays the
        deadline, but as long as it holds a result."""
        overdue = (self.at + DEADLINE, math.inf if self.answer is None else self.answered_at)
        return not self.left and (overdue[0] >= min(now, overdue[1]) or overdue[1] <= since)

    def was_still(self, since: float) -> bool:
        """Whether its worker was dead or stopped at some time since then."""
        return bool(self.process.dead or self.process.stopped or self.process.awake_since > since)


@dataclass
class Steps:
    """The observer of all calls. `now` is the true time, which no clock of the system can change.

    Nothing is raised where a sentence is broken, since the code that is tested catches what it can: the first breach
    is kept, and ends the history.
    """

    now: Callable[[], float]
    breach: Breach | None = None
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When PostgreSQL was away: from, to."""
    asker: Any = None
    """The process whose statement is being executed."""
    alone: set[UUID] = field(default_factory=set)
    """Calls of messages of the queue `solo`."""
    met: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    _lines: dict[UUID, list[Thought]] = field(default_factory=lambda: defaultdict(list))
    _heard: dict[UUID, float] = field(default_factory=dict)
    _unheard: dict[Any, list[float]] = field(default_factory=lambda: defaultdict(list))
    _begun: Counter[tuple[UUID, int, int]] = field(default_factory=Counter)
    _paid: dict[tuple[UUID, int, int], list[Paid]] = field(default_factory=lambda: defaultdict(list))
    _calls: dict[UUID | None, list[Paid]] = field(default_factory=lambda: defaultdict(list))
    _saved: set[tuple[UUID, int]] = field(default_factory=set)
    _failures: list[tuple[UUID, int]] = field(default_factory=list)

    def broken(self, sentence: Sentence, what: str) -> None:
        """Keep the first breach."""
        if self.breach is None:
            self.breach = Breach(sentence, what)

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
        for paid in self._calls[call]:
            paid.excused = True
            cut_off = any(ended > silent_since for _, ended in self.outages) or self._is_cut_off(paid, silent_since)
            if not cut_off and paid.is_renewed(silent_since, now) and not paid.was_still(silent_since):
                self.broken(Sentence.PAID, "a call was taken from a worker that lives and could be heard")

    def _is_cut_off(self, paid: Paid, since: float) -> bool:
        return sum(at > since for at in self._unheard[paid.process]) > MOST_UNHEARD

    def paid(self, t: Thought, step: int, call: UUID, process: Any) -> None:
        """The agent is called: from here on it costs."""
        self._in_order(t)
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"step {step} was paid again after its save")
        place = (t.id, t.turn, step)
        earlier = self._paid[place]
        for one in earlier:
            if not (one.answer in FAILED or one.excused or one.process.dead):
                self.broken(Sentence.PAID, f"step {step} was paid twice, and its first worker lives")
        if t.call_id != call and t.status != "deleted":
            self.broken(Sentence.PAID, f"step {step} was paid by a call that was fenced before")
        earlier.append(Paid(call, place, process, self.now()))
        self._calls[call].append(earlier[-1])
        if len(earlier) > ATTEMPTS:
            self.broken(Sentence.RETRIES, f"step {step} was paid for the {len(earlier)}th time")

    def answered_by_agent(self, call: UUID, answer: Fate) -> None:
        """What became of a call."""
        for paid in self._calls[call]:
            paid.answer, paid.answered_at = answer, self.now()

    def left(self, t: Thought | None, calls: list[UUID], *, may_leave: bool) -> None:
        """A worker has ended an execution of a step: what it paid for is written, or it was told that it is fenced.

        It `may_leave` a claim behind, but nothing that it has paid for, when it has to end and nobody answers.
        """
        is_paid = any(self._calls[call] for call in calls)
        if t is not None and t.call_id in calls and t.is_open and not (may_leave and not is_paid):
            self.broken(Sentence.PAID, "a living worker left a call in progress, which will be paid again")
        for paid in [paid for call in calls for paid in self._calls[call]]:
            paid.left = True
            goes_on = t is not None and t.is_open and (t.id, t.turn, t.steps_done + 1) == paid.place
            if paid.answer in FINAL and goes_on and not paid.excused:
                self.broken(Sentence.RETRIES, f"an agent's answer was {paid.answer.name}, and its thought goes on")

    def _in_order(self, t: Thought) -> None:
        for other in self._lines[t.user_id]:
            if other.finished_at is None and other.place < t.place:
                self.broken(Sentence.ORDER, "a step starts while a thought that was written earlier is open")

    def saved(self, t: Thought, step: int, call: UUID) -> None:
        """A result is written."""
        if not t.is_open:
            self.broken(Sentence.ENDS, f"a result was saved of a thought that is {t.status}")
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"step {step} was saved twice")
        if t.call_id != call:
            self.broken(Sentence.ONCE, f"step {step} was saved by a call that was fenced before")
        self._saved.add((t.id, step))

    def gave_up(self, t: Thought, step: int, reason: str) -> None:
        """A thought fails."""
        self._failures.append((t.id, t.turn))
        begun = self._begun[t.id, t.turn, step]
        self.met[ALL_CALLS] += begun == ATTEMPTS
        last = self._calls[t.call_id][-1].answer if self._calls.get(t.call_id) else None
        if not _is_due(reason, begun, last):
            answer = last.name if last else "none"
            told = f"given up as {reason} after {begun} calls of its step; the last answer was {answer}"
            self.broken(Sentence.RETRIES, f"a thought was {told}")
        if (t.id, step) in self._saved:
            self.broken(Sentence.ONCE, f"a thought was given up at step {step}, which is saved")


def _is_due(reason: str, begun: int, last: Fate | None) -> bool:
    """Whether this is the end that a step's calls had to come to."""
    match reason:
        case "permanent":
            return last is Fate.PERMANENT
        case "invalid":
            return last is Fate.UNSTORABLE or (last is Fate.INVALID and begun == ATTEMPTS)
        case "transient":
            return last is Fate.TRANSIENT and begun == ATTEMPTS
    return reason == "lost" and last is None and begun == ATTEMPTS
