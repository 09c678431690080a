"""The promise, checked on what was written down. Pure: rows, calls and faults in, breaches out.

A call is justified when it failed as its thought demanded, or when its result is the saved one. Every other call was
paid twice, for which there is one excuse: its process was killed, or silent for the patience, between its claim and the
answered save. What was never written down shows nothing: every saved result needs its call in the log, once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from agents.catalogue import CATALOGUE
from agents.scripted.directives import read_script

MOST_CALLS = 4
SLACK_SECONDS = 1.0
"""Between the claim and the line of its call, and between that line and the answered save."""

Breaches = list[str]


@dataclass(frozen=True)
class Call:
    """One paid call, as the scripted provider wrote it down; `at` in seconds since the epoch. `ended` is empty when its
    process did not come so far."""

    id: str
    pid: int
    at: float
    ended: Literal["end", "error", ""] = ""


@dataclass(frozen=True)
class Saved:
    """The result of a step."""

    call: str
    at: float


@dataclass(frozen=True)
class Thought:
    """What PostgreSQL says of a thought."""

    id: str
    user: str
    turn: int
    text: str
    status: str
    finished_at: float | None
    saved: Mapping[str, Saved] = field(default_factory=dict)
    failure_ids: Sequence[str] = ()


@dataclass(frozen=True)
class Hit:
    """A process that was killed (`until` is the same moment), or was silent for a while."""

    pid: int
    since: float
    until: float

    def excuses(self, call: Call, next_at: float, silence: float) -> bool:
        """Whether it fell between this call and the next one, and was a kill or long enough."""
        long_enough = self.until == self.since or self.until - self.since >= silence
        meets = self.since <= next_at + SLACK_SECONDS and self.until >= call.at - SLACK_SECONDS
        return self.pid == call.pid and long_enough and meets


Calls = Mapping[tuple[str, str], Sequence[Call]]
"""(thought, agent) -> its calls in the order of their beginning."""


@dataclass
class Verdict:
    """What was found; everything but `paid_twice` is a breach of the promise."""

    lost: Breaches = field(default_factory=list)
    reordered: Breaches = field(default_factory=list)
    paid_twice: int = 0
    without_excuse: Breaches = field(default_factory=list)
    broken: Breaches = field(default_factory=list)

    @property
    def breaches(self) -> Breaches:
        return self.lost + self.reordered + self.without_excuse + self.broken


def judge(
    promised: Sequence[tuple[str, str]],
    thoughts: Mapping[str, Thought],
    calls: Calls,
    hits: Sequence[Hit],
    silence: float,
) -> Verdict:
    """Check the thoughts that were accepted, as (user, thought) in the order of acceptance, against everything.

    `silence` is how long a process must at least have been silent for that to be an excuse.
    """
    verdict = Verdict(lost=_lost(promised, thoughts))
    verdict.reordered = _reordered(promised, thoughts, calls)
    if promised and not calls:
        verdict.broken.append("no call was written down: nobody knows what was paid")
    for _, name in promised:
        if name in thoughts:
            _judge_calls(thoughts[name], calls, hits, silence, verdict)
            verdict.broken += _broken(thoughts[name], calls)
    return verdict


def _lost(promised: Iterable[tuple[str, str]], thoughts: Mapping[str, Thought]) -> Breaches:
    missing = [f"{name} was accepted and is not there" for _, name in promised if name not in thoughts]
    known = [thoughts[name] for _, name in promised if name in thoughts]
    return missing + [f"{each.id} is still {each.status}" for each in known if each.finished_at is None]


def _reordered(promised: Iterable[tuple[str, str]], thoughts: Mapping[str, Thought], calls: Calls) -> Breaches:
    """One person's thoughts: by turn as they were written, and none begun before the one before it has ended."""
    lines: dict[str, list[Thought]] = defaultdict(list)
    for user, name in promised:
        if name in thoughts:
            lines[user].append(thoughts[name])
    return [words for line in lines.values() for pair in pairwise(line) for words in _overtaken(*pair, calls)]


def _overtaken(earlier: Thought, later: Thought, calls: Calls) -> Breaches:
    if earlier.turn >= later.turn:
        return [f"{later.id} has the turn {later.turn}, and {earlier.id}, which was written before it, {earlier.turn}"]
    begun = min((call.at for agent in CATALOGUE.names for call in calls.get((later.id, agent), ())), default=None)
    if begun is None or (earlier.finished_at is not None and earlier.finished_at <= begun):
        return []
    return [f"{later.id} was begun at {begun:.3f}, and {earlier.id} before it ended at {earlier.finished_at}"]


def _judge_calls(thought: Thought, calls: Calls, hits: Sequence[Hit], silence: float, verdict: Verdict) -> None:
    for agent in CATALOGUE.names:
        made = calls.get((thought.id, agent), ())
        for place, call in enumerate(made):
            if _justified(thought, agent, place + 1, call):
                continue
            verdict.paid_twice += 1
            next_at = made[place + 1].at if place + 1 < len(made) else call.at
            if not any(hit.excuses(call, next_at, silence) for hit in hits):
                verdict.without_excuse.append(
                    f"{thought.id}: call {place + 1} of {agent}, by process {call.pid} at {call.at:.3f}, was paid for "
                    f"nothing and that process was neither killed nor silent"
                )


def _justified(thought: Thought, agent: str, number: int, call: Call) -> bool:
    saved = thought.saved.get(agent)
    is_saved = saved is not None and saved.call == call.id
    had_to_fail = read_script(thought.text, agent).failure_of(number) is not None
    return is_saved or (had_to_fail and call.ended == "error")


def _broken(thought: Thought, calls: Calls) -> Breaches:
    return [
        f"{thought.id} ({thought.status}): {words}"
        for words in (*_wrong_calls(thought, calls), *_wrong_results(thought, calls), *_wrong_end(thought, calls))
    ]


def _wrong_calls(thought: Thought, calls: Calls) -> Iterable[str]:
    for agent in CATALOGUE.names:
        made = calls.get((thought.id, agent), ())
        if len(made) > MOST_CALLS:
            yield f"{len(made)} calls of {agent}"
        for name, times in Counter(call.id for call in made).items():
            if times > 1:
                yield f"call {name} of {agent} was made {times} times"
    for before, agent in pairwise(CATALOGUE.names):
        saved = thought.saved.get(before)
        for call in calls.get((thought.id, agent), ()):
            if saved is None or saved.at > call.at:
                yield f"{agent} was begun before {before} was saved"


def _wrong_results(thought: Thought, calls: Calls) -> Iterable[str]:
    """A result is of a call that was made and ended; and whoever calls after it has no excuse: a process that comes
    back looks again before it pays, and the moment between that look and the call is too short to be met by chance."""
    for agent, saved in thought.saved.items():
        made = calls.get((thought.id, agent), ())
        if not any(call.id == saved.call and call.ended == "end" for call in made):
            yield f"the result of {agent} is of call {saved.call}, which is not in the log with an end"
        yield from (f"{agent} was begun again after its result was saved" for call in made if call.at > saved.at)
    if thought.finished_at is not None:
        late = [
            agent
            for agent in CATALOGUE.names
            for call in calls.get((thought.id, agent), ())
            if call.at > thought.finished_at
        ]
        yield from (f"{agent} was begun after the thought had ended" for agent in late if agent not in thought.saved)


def _wrong_end(thought: Thought, calls: Calls) -> Iterable[str]:
    letters = [f"{thought.id}:{thought.turn}"] if thought.status == "failed" else []
    if list(thought.failure_ids) != letters:
        yield f"its dead letters are {list(thought.failure_ids)} and not {letters}"
    if thought.status == "completed" and list(thought.saved) != list(CATALOGUE.names):
        yield f"it has the results of {list(thought.saved)}"
    if thought.status == "failed" and not _had_to_fail(thought, calls):
        yield "it failed though no step used up its calls and none was to fail for good"


def _had_to_fail(thought: Thought, calls: Calls) -> bool:
    agent = next((agent for agent in CATALOGUE.names if agent not in thought.saved), CATALOGUE.names[-1])
    made = calls.get((thought.id, agent), ())
    last = read_script(thought.text, agent).failure_of(len(made))
    failed_for_good = last == "permanent" and bool(made) and made[-1].ended == "error"
    return failed_for_good or len(made) >= MOST_CALLS
