"""Verifies that a run lost, reordered and paid twice no thought, from its rows, call log and faults. Pure: no I/O.

A call is justified when it failed as its thought's directive demanded, or when its result was saved. Every other call
was paid twice. The one excuse is that its process was killed, or was silent for the whole lease, between its claim and
the answered save. A call that was never logged cannot be verified, so every saved result needs its call in the log,
once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from agents.catalogue import CATALOGUE
from agents.scripted.directives import read_script

MAX_CALLS = 4
SLACK_SECONDS = 1.0
"""Between a claim and the log line of its call, and between that line and the answered save."""

Violations = list[str]


@dataclass(frozen=True)
class Call:
    """One paid call, as the scripted provider logged it; `started_at` in seconds since the epoch. `ended` is empty when
    its process was gone before the call ended."""

    id: str
    pid: int
    started_at: float
    ended: Literal["end", "error", ""] = ""


@dataclass(frozen=True)
class SavedResult:
    """The saved result of a step."""

    call_id: str
    saved_at: float


@dataclass(frozen=True)
class Thought:
    """A thought in PostgreSQL, with its results and dead letters."""

    id: str
    user: str
    turn: int
    text: str
    status: str
    finished_at: float | None
    saved: Mapping[str, SavedResult] = field(default_factory=dict)
    failure_ids: Sequence[str] = ()


@dataclass(frozen=True)
class Disruption:
    """A process that was killed (`until` equals `since`), or that could not write for a while."""

    pid: int
    since: float
    until: float

    def excuses(self, call: Call, next_call_at: float, min_silence: float) -> bool:
        """Return whether it fell between this call and the next one, and was a kill or a long enough silence."""
        is_long_enough = self.until == self.since or self.until - self.since >= min_silence
        overlaps = self.since <= next_call_at + SLACK_SECONDS and self.until >= call.started_at - SLACK_SECONDS
        return self.pid == call.pid and is_long_enough and overlaps


Calls = Mapping[tuple[str, str], Sequence[Call]]
"""(thought, agent) -> its calls in the order of their starts."""


@dataclass
class Findings:
    """The result of a verification; everything but `paid_twice` is a violation."""

    lost: Violations = field(default_factory=list)
    reordered: Violations = field(default_factory=list)
    paid_twice: int = 0
    """Calls that were paid for nothing, excused ones included."""
    unexcused: Violations = field(default_factory=list)
    inconsistent: Violations = field(default_factory=list)

    @property
    def violations(self) -> Violations:
        return self.lost + self.reordered + self.unexcused + self.inconsistent


def verify(
    accepted: Sequence[tuple[str, str]],
    thoughts: Mapping[str, Thought],
    calls: Calls,
    disruptions: Sequence[Disruption],
    min_silence: float,
) -> Findings:
    """Verify the accepted thoughts, given as (user, thought) in the order of acceptance.

    `min_silence` is how many seconds a process must have been silent for that to excuse a call paid twice.
    """
    findings = Findings(lost=_lost(accepted, thoughts))
    findings.reordered = _reordered(accepted, thoughts, calls)
    if accepted and not calls:
        findings.inconsistent.append("no call was logged, so payments cannot be verified")
    for _, thought_id in accepted:
        if thought_id in thoughts:
            _verify_payments(thoughts[thought_id], calls, disruptions, min_silence, findings)
            findings.inconsistent += _inconsistencies(thoughts[thought_id], calls)
    return findings


def _lost(accepted: Iterable[tuple[str, str]], thoughts: Mapping[str, Thought]) -> Violations:
    missing = [
        f"{thought_id} was accepted and does not exist" for _, thought_id in accepted if thought_id not in thoughts
    ]
    existing = [thoughts[thought_id] for _, thought_id in accepted if thought_id in thoughts]
    return missing + [f"{thought.id} is still {thought.status}" for thought in existing if thought.finished_at is None]


def _reordered(accepted: Iterable[tuple[str, str]], thoughts: Mapping[str, Thought], calls: Calls) -> Violations:
    """Check that a user's thoughts have turns in the order of acceptance, and that each starts after the previous one
    has ended."""
    lines: dict[str, list[Thought]] = defaultdict(list)
    for user, thought_id in accepted:
        if thought_id in thoughts:
            lines[user].append(thoughts[thought_id])
    return [violation for line in lines.values() for pair in pairwise(line) for violation in _overtaken(*pair, calls)]


def _overtaken(earlier: Thought, later: Thought, calls: Calls) -> Violations:
    if earlier.turn >= later.turn:
        return [f"{later.id} has turn {later.turn}, and {earlier.id}, which was accepted before it, {earlier.turn}"]
    started_at = min(
        (call.started_at for agent in CATALOGUE.names for call in calls.get((later.id, agent), ())), default=None
    )
    if started_at is None or (earlier.finished_at is not None and earlier.finished_at <= started_at):
        return []
    return [f"{later.id} started at {started_at:.3f}, and {earlier.id} before it ended at {earlier.finished_at}"]


def _verify_payments(
    thought: Thought, calls: Calls, disruptions: Sequence[Disruption], min_silence: float, findings: Findings
) -> None:
    for agent in CATALOGUE.names:
        agent_calls = calls.get((thought.id, agent), ())
        for index, call in enumerate(agent_calls):
            if _is_justified(thought, agent, index + 1, call):
                continue
            findings.paid_twice += 1
            next_call_at = agent_calls[index + 1].started_at if index + 1 < len(agent_calls) else call.started_at
            if not any(disruption.excuses(call, next_call_at, min_silence) for disruption in disruptions):
                findings.unexcused.append(
                    f"{thought.id}: call {index + 1} of {agent}, by process {call.pid} at {call.started_at:.3f}, was "
                    f"paid for nothing ({call.ended or 'it did not end'}, and the next one began "
                    f"{next_call_at - call.started_at:.1f} s later), and that process was neither killed nor silent"
                )


def _is_justified(thought: Thought, agent: str, number: int, call: Call) -> bool:
    saved = thought.saved.get(agent)
    is_saved = saved is not None and saved.call_id == call.id
    had_to_fail = read_script(thought.text, agent).failure_of(number) is not None
    return is_saved or (had_to_fail and call.ended == "error")


def _inconsistencies(thought: Thought, calls: Calls) -> Violations:
    return [
        f"{thought.id} ({thought.status}): {problem}"
        for problem in (*_wrong_calls(thought, calls), *_wrong_results(thought, calls), *_wrong_end(thought, calls))
    ]


def _wrong_calls(thought: Thought, calls: Calls) -> Iterable[str]:
    for agent in CATALOGUE.names:
        agent_calls = calls.get((thought.id, agent), ())
        if len(agent_calls) > MAX_CALLS:
            yield f"{len(agent_calls)} calls of {agent}"
        for call_id, times in Counter(call.id for call in agent_calls).items():
            if times > 1:
                yield f"call {call_id} of {agent} was made {times} times"
    for previous, agent in pairwise(CATALOGUE.names):
        saved = thought.saved.get(previous)
        for call in calls.get((thought.id, agent), ()):
            if saved is None or saved.saved_at > call.started_at:
                yield f"{agent} started before {previous} was saved"


def _wrong_results(thought: Thought, calls: Calls) -> Iterable[str]:
    """Check that each result is of a logged call that ended, and that no call started after it.

    No fault excuses a call after the result: a resumed process checks its claim before it pays, and the moment between
    that check and the call is too short to be hit by chance.
    """
    for agent, saved in thought.saved.items():
        agent_calls = calls.get((thought.id, agent), ())
        if not any(call.id == saved.call_id and call.ended == "end" for call in agent_calls):
            yield f"the result of {agent} is of call {saved.call_id}, which has no end in the log"
        yield from (
            f"{agent} was called again after its result was saved"
            for call in agent_calls
            if call.started_at > saved.saved_at
        )
    if thought.finished_at is not None:
        late = [
            agent
            for agent in CATALOGUE.names
            for call in calls.get((thought.id, agent), ())
            if call.started_at > thought.finished_at
        ]
        yield from (f"{agent} was called after the thought had ended" for agent in late if agent not in thought.saved)


def _wrong_end(thought: Thought, calls: Calls) -> Iterable[str]:
    expected = [f"{thought.id}:{thought.turn}"] if thought.status == "failed" else []
    if list(thought.failure_ids) != expected:
        yield f"its dead letters are {list(thought.failure_ids)}, expected {expected}"
    if thought.status == "completed" and list(thought.saved) != list(CATALOGUE.names):
        yield f"it has only the results of {list(thought.saved)}"
    if thought.status == "failed" and not _had_to_fail(thought, calls):
        yield "it failed although no step used all its calls and none had a permanent error"


def _had_to_fail(thought: Thought, calls: Calls) -> bool:
    agent = next((agent for agent in CATALOGUE.names if agent not in thought.saved), CATALOGUE.names[-1])
    agent_calls = calls.get((thought.id, agent), ())
    failure = read_script(thought.text, agent).failure_of(len(agent_calls))
    failed_permanently = failure == "permanent" and bool(agent_calls) and agent_calls[-1].ended == "error"
    return failed_permanently or len(agent_calls) >= MAX_CALLS
