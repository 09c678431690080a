"""The checks that run at every claim, agent call and result: who calls an agent, and how often."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from tests.simulation.fibers import Outcome
from tests.simulation.invariants import Invariant, Violation
from tests.simulation.tables import Thought

LEASE_SECONDS: Final = 20.0
MAX_CALLS: Final = 4
AGENT_TIMEOUT_SECONDS: Final = 60.0
"""After this many seconds of a call its worker stops renewing it."""

MAX_FAILED_RENEWALS: Final = 1
"""Consecutive renewals that may fail without a bridge presuming the worker dead."""

NOTICEABLE_OUTAGE_SECONDS: Final = 12.0
"""Every living bridge notices an outage of this many seconds; its lease may be shorter by as much after an outage."""


ATTEMPTS_EXHAUSTED: Final = "a step used all its calls"
LATE_CLAIM: Final = "a delayed claim is granted after its call"

FAILED_ANSWERS: Final = frozenset({Outcome.TRANSIENT, Outcome.PERMANENT, Outcome.INVALID, Outcome.SERVICE})
"""Answers without a result: another call after one of them is no second payment."""

FINAL_ANSWERS: Final = frozenset({Outcome.PERMANENT, Outcome.UNSTORABLE})
"""Answers after which the thought must fail, because another call cannot help."""


@dataclass(slots=True)
class PaidCall:
    """A call of an agent.

    `is_excused`: its worker was killed, or was silent for the whole lease. `is_finished`: its worker is done with it.
    """

    call_id: UUID
    step_key: tuple[UUID, int, int]
    """Thought, turn and step."""
    process: Any
    started_at: float
    answer: Outcome | None = None
    answered_at: float = 0.0
    is_excused: bool = False
    is_finished: bool = False

    def is_renewed(self, since: float, now: float) -> bool:
        """Return whether a living worker renewed this call during all that time.

        A worker renews while it holds a result, and until the deadline while its agent has not answered.
        """
        overdue = (self.started_at + AGENT_TIMEOUT_SECONDS, math.inf if self.answer is None else self.answered_at)
        return not self.is_finished and (overdue[0] >= min(now, overdue[1]) or overdue[1] <= since)

    def was_interrupted(self, since: float) -> bool:
        """Return whether its worker was dead or suspended at some time since then."""
        return bool(self.process.is_dead or self.process.is_suspended or self.process.awake_since > since)


@dataclass
class StepChecks:
    """Observes all calls. `now` is the true time, which no clock of the system can change.

    A violation is stored and ends the history. It is not raised, because the code under test catches what it can.
    """

    now: Callable[[], float]
    violation: Violation | None = None
    outages: list[tuple[float, float]] = field(default_factory=list)
    """PostgreSQL's outages: start, end."""
    model_down_since: float | None = None
    probe_succeeded_at: float = -1e9
    current_process: Any = None
    """The process whose statement is being executed."""
    is_delayed_statement: bool = False
    """The statement that is being executed is one whose client has given up."""
    solo_calls: set[UUID] = field(default_factory=set)
    """Calls of messages from the queue `solo`."""
    observations: Counter[str] = field(default_factory=Counter)
    claims: int = 0
    _lines: dict[UUID, list[Thought]] = field(default_factory=lambda: defaultdict(list))
    _heartbeat_at: dict[UUID, float] = field(default_factory=dict)
    _failed_renewals: dict[Any, list[float]] = field(default_factory=lambda: defaultdict(list))
    _claims_of_step: Counter[tuple[UUID, int, int]] = field(default_factory=Counter)
    _calls_of_step: dict[tuple[UUID, int, int], list[PaidCall]] = field(default_factory=lambda: defaultdict(list))
    _calls: dict[UUID | None, list[PaidCall]] = field(default_factory=lambda: defaultdict(list))
    _late_claims: set[UUID | None] = field(default_factory=set)
    _cancelled_calls: set[UUID] = field(default_factory=set)
    _calls_of_former_lines: set[UUID] = field(default_factory=set)
    """Calls that were in progress when their thought came to an account's line."""
    _saved: set[tuple[UUID, int]] = field(default_factory=set)
    _failures: list[tuple[UUID, int]] = field(default_factory=list)

    def violate(self, invariant: Invariant, description: str) -> None:
        """Store the first violation."""
        if self.violation is None:
            self.violation = Violation(invariant, description)

    def claimed(self, t: Thought, step: int, call: UUID, wait: float) -> None:
        """Check a successful claim. `wait`: seconds until the retry was allowed to start."""
        self.claims += 1
        if not t.is_open:
            self.violate(Invariant.TERMINATION, f"a {t.status} thought was claimed")
        if wait > 0:
            self.violate(Invariant.RETRY_LIMIT, f"a retry started {wait:.1f} s early")
        if t.losses and call not in self.solo_calls:
            self.violate(Invariant.SOLO_QUEUE, "a step whose worker died was claimed outside the queue `solo`")
        self._check_order(t)
        if (t.id, step) in self._saved:
            self.violate(Invariant.SAVED_ONCE, f"step {step} was claimed again after its save")
        if any((t.id, earlier) not in self._saved for earlier in range(1, step)):
            self.violate(Invariant.ORDER, f"step {step} was claimed before the step before it was saved")
        if t.call_id is not None and t.call_id != call:
            self.call_superseded(t)
        if self.is_delayed_statement and self._calls[call] and t.call_id != call:
            self.observations[LATE_CLAIM] += 1
            self._late_claims.add(call)
        self._claims_of_step[t.id, t.turn, step] += 1
        if self._claims_of_step[t.id, t.turn, step] > MAX_CALLS:
            self.violate(
                Invariant.RETRY_LIMIT, f"call {self._claims_of_step[t.id, t.turn, step]} of step {step} started"
            )

    def call_superseded(self, t: Thought) -> None:
        """Count a call that lost its claim although no bridge saw its lease expire."""
        self.observations["superseded call"] += 1

    def heartbeat(self, t: Thought) -> None:
        """Note that the worker of the call in progress raised the beat."""
        if t.call_id is not None:
            self._heartbeat_at[t.call_id] = self.now()

    def renewal_failed(self, process: Any) -> None:
        """Note that a renewal did not reach PostgreSQL in time."""
        self._failed_renewals[process].append(self.now())

    def call_taken_over(self, t: Thought) -> None:
        """Check that a bridge may presume the worker of the call in progress dead."""
        call, now = t.call_id, self.now()
        assert call is not None
        silence = now - self._heartbeat_at[call]
        if silence < LEASE_SECONDS - 1e-6:
            self.violate(Invariant.PAID_ONCE, f"a call was taken over after {silence:g} s without a heartbeat")
        began, ended = self.outages[-1] if self.outages else (-1e9, -1e9)
        was_noticed = (
            not self.is_delayed_statement  # sent before its bridge noticed, and delivered after the outage
            and ended - began >= NOTICEABLE_OUTAGE_SECONDS
            and self.current_process is not None
            and self.current_process.awake_since < began
        )
        if was_noticed and now < ended + LEASE_SECONDS - NOTICEABLE_OUTAGE_SECONDS:
            self.violate(
                Invariant.PAID_ONCE, "a call was taken over because of heartbeats missed while PostgreSQL was down"
            )
        last_heartbeat = self._heartbeat_at[call]
        for paid in self._calls[call]:
            paid.is_excused = True
            was_cut_off = any(ended > last_heartbeat for _, ended in self.outages) or self._is_cut_off(
                paid, last_heartbeat
            )
            if not was_cut_off and paid.is_renewed(last_heartbeat, now) and not paid.was_interrupted(last_heartbeat):
                self.violate(Invariant.PAID_ONCE, "a call was taken over from a living worker that reached PostgreSQL")

    def _is_cut_off(self, paid: PaidCall, since: float) -> bool:
        return sum(at > since for at in self._failed_renewals[paid.process]) > MAX_FAILED_RENEWALS

    def agent_called(self, t: Thought, step: int, call: UUID, process: Any) -> None:
        """Check a call of an agent, which costs money from here on."""
        if call not in self._calls_of_former_lines:
            self._check_order(t)
        if (t.id, step) in self._saved:
            self.violate(Invariant.SAVED_ONCE, f"step {step} was paid again after its save")
        step_key = (t.id, t.turn, step)
        calls = self._calls_of_step[step_key]
        for earlier in calls:
            if not (earlier.answer in FAILED_ANSWERS or earlier.is_excused or earlier.process.is_dead):
                self.violate(Invariant.PAID_ONCE, f"step {step} was paid twice, and its first worker is alive")
        if t.call_id != call and t.status != "deleted" and call not in self._cancelled_calls:
            self.violate(Invariant.PAID_ONCE, f"step {step} was paid by a fenced call")
        calls.append(PaidCall(call, step_key, process, self.now()))
        self._calls[call].append(calls[-1])
        if len(calls) > MAX_CALLS:
            self.violate(Invariant.RETRY_LIMIT, f"step {step} was paid {len(calls)} times")

    def thought_left_its_line(self, t: Thought, former_user: UUID, former_turn: int) -> None:
        """Note that a thought came from an anonymous user to an account: the calls of its next step count on."""
        self._lines[former_user] = [other for other in self._lines[former_user] if other is not t]
        self._lines[t.user_id].append(t)
        if t.call_id is not None:
            self._calls_of_former_lines.add(t.call_id)
        former, present = ((t.id, turn, t.steps_done + 1) for turn in (former_turn, t.turn))
        if former != present:
            self._claims_of_step[present] = self._claims_of_step.pop(former, 0)
            self._calls_of_step[present] = self._calls_of_step.pop(former, [])
        for paid in self._calls_of_step[present]:
            paid.step_key = present

    def attempts_given_back(self, t: Thought, call: UUID | None, earlier: int) -> None:
        """Check that a call may give back its attempt: its agent was not called, or the model service failed.

        `earlier` attempts of the same step, which the service failed too, are given back with it.
        """
        step_key = (t.id, t.turn, t.steps_done + 1)
        for paid in list(self._calls[call]) if call else []:
            if paid.answer is not Outcome.SERVICE:
                self.violate(Invariant.RETRY_LIMIT, "an attempt was given back although the service had not failed")
        self._claims_of_step[step_key] -= earlier + (call is not None)
        remaining = [paid for paid in self._calls_of_step[step_key] if paid.call_id != call]
        failed = [paid for paid in remaining if paid.answer is Outcome.SERVICE]
        self._calls_of_step[step_key] = [paid for paid in remaining if paid not in failed[:earlier]]

    def agent_answered(self, call: UUID, answer: Outcome) -> None:
        """Note the outcome of a call."""
        for paid in self._calls[call]:
            paid.answer, paid.answered_at = answer, self.now()

    def execution_ended(self, t: Thought | None, calls: list[UUID], *, may_abandon_claim: bool) -> None:
        """Check that a worker ended an execution of a step with every paid call saved or known to be fenced.

        With `may_abandon_claim` it may leave an unpaid claim behind, because it is shutting down and PostgreSQL does
        not answer. Another exception is a claim that PostgreSQL executes only after the same call has ended in a
        retry: nobody works on it, so it costs an attempt and the wait for its lease, but no second payment.
        """
        may_abandon = (may_abandon_claim and not any(self._calls[call] for call in calls)) or (
            t is not None and t.call_id in self._late_claims
        )
        if t is not None and t.call_id in calls and t.is_open and not may_abandon:
            self.violate(Invariant.PAID_ONCE, "a living worker abandoned a call in progress, so it will be paid again")
        for paid in [paid for call in calls for paid in self._calls[call]]:
            paid.is_finished = True
            is_still_next = t is not None and t.is_open and (t.id, t.turn, t.steps_done + 1) == paid.step_key
            if paid.answer in FINAL_ANSWERS and is_still_next and not paid.is_excused:
                self.violate(
                    Invariant.RETRY_LIMIT, f"an agent answered {paid.answer.label}, and its thought did not fail"
                )

    def _check_order(self, t: Thought) -> None:
        for other in self._lines[t.user_id]:
            if other.finished_at is None and other.write_order < t.write_order:
                self.violate(Invariant.ORDER, "a step started while an earlier thought of its user was open")

    def step_saved(self, t: Thought, step: int, call: UUID) -> None:
        """Check a result that is being saved."""
        if not t.is_open:
            self.violate(Invariant.TERMINATION, f"a result of a {t.status} thought was saved")
        if (t.id, step) in self._saved:
            self.violate(Invariant.SAVED_ONCE, f"step {step} was saved twice")
        if t.call_id != call:
            self.violate(Invariant.SAVED_ONCE, f"step {step} was saved by a fenced call")
        self._saved.add((t.id, step))

    def thought_failed(self, t: Thought, step: int, reason: str) -> None:
        """Check that a thought fails for a good reason."""
        self._failures.append((t.id, t.turn))
        claims = self._claims_of_step[t.id, t.turn, step]
        self.observations[ATTEMPTS_EXHAUSTED] += claims == MAX_CALLS
        last_answer = self._calls[t.call_id][-1].answer if self._calls.get(t.call_id) else None
        if not _may_fail(reason, claims, last_answer):
            answer = last_answer.label if last_answer else "none"
            self.violate(
                Invariant.RETRY_LIMIT,
                f"a thought failed as {reason} after {claims} calls of its step; the last answer was {answer}",
            )
        if (t.id, step) in self._saved:
            self.violate(Invariant.SAVED_ONCE, f"a thought failed at step {step}, which is saved")
        self._check_service(t.call_id)

    def thought_cancelled(self, t: Thought) -> None:
        """Note that its author ended a thought. The worker of its call in progress may pay before it notices."""
        self._failures.append((t.id, t.turn))
        if not t.is_open:
            self.violate(Invariant.TERMINATION, f"a {t.status} thought was cancelled")
        if t.call_id is not None:
            self._cancelled_calls.add(t.call_id)

    def _check_service(self, call: UUID | None) -> None:
        """Check that no thought fails because of an outage: after its last call, a probe must have succeeded."""
        paid = self._calls[call][-1] if self._calls.get(call) else None
        if paid is None or paid.answer is not Outcome.SERVICE or self.model_down_since is None:
            return
        if self.model_down_since <= paid.answered_at and self.probe_succeeded_at < paid.answered_at:
            self.violate(Invariant.RETRY_LIMIT, "a thought failed while the model service was unavailable")


def _may_fail(reason: str, claims: int, last_answer: Outcome | None) -> bool:
    """Return whether the calls of a step had to end like this."""
    match reason:
        case "permanent":
            return last_answer is Outcome.PERMANENT
        case "invalid":
            return last_answer is Outcome.UNSTORABLE or (last_answer is Outcome.INVALID and claims == MAX_CALLS)
        case "transient":
            return last_answer in {Outcome.TRANSIENT, Outcome.SERVICE} and claims == MAX_CALLS
    return reason == "lost" and last_answer is None and claims == MAX_CALLS
