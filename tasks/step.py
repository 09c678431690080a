"""The step protocol: claims a step in PostgreSQL, calls its agent, saves the result, and publishes progress.

What it guarantees:

- The agent is called only while this execution holds the claim (`call_id`).
- A paid result is kept until PostgreSQL answers that it is saved, or that the call is fenced.
- While the model service is unavailable, the step waits, and no attempt is counted (`tasks.admission`).
- When no attempt is left, the failed state and its dead letter are written here, in the task body, in one statement.

Celery messages are only hints: they may be late, duplicated, reordered or lost. PostgreSQL decides what each message
means, so `StepRunner.run` always returns a `StepOutcome`, and no exception of an agent or of PostgreSQL leaves it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID, uuid4

from agents.errors import Cancelled, ServiceError
from agents.interface import AgentResult, EarlierThought, Provider
from contracts import events
from contracts.progress import ProgressPublisher
from contracts.settings import Settings
from tasks.admission.gate import Gate, Pass
from tasks.admission.waits import Wait
from tasks.agent_call import agent_input, call_context, completion_events
from tasks.calls import Call, Calls
from tasks.failures import Failure, backoff_seconds, classify_error, timed_out, too_slow, unstorable_result, worker_lost
from tasks.memory.memory import NoMemory, Recall
from tasks.partial_text import ShowProgress, show_no_progress
from tasks.statement_retry import ShuttingDownError, StatementRetry, retry_delays
from tasks.step_outcomes import Advance, Drop, Failed, Requeue, StepOutcome
from tasks.step_store import Claim, Provenance, Step, StepStore

log = logging.getLogger(__name__)

REQUEUE_SECONDS: Final = 1.0
"""The delay before another worker receives a message that this process requeues while it shuts down."""


class StepRunner:
    """Runs steps. One instance serves all threads of a process."""

    def __init__(
        self,
        step_store: StepStore,
        provider: Provider,
        publisher: ProgressPublisher,
        calls: Calls,
        gate: Gate,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        call_ids: Callable[[], UUID] = uuid4,
        shutting_down: Callable[[], bool] = lambda: False,
        show_progress: ShowProgress = show_no_progress,
        memory: NoMemory | None = None,
    ) -> None:
        self._step_store = step_store
        self._provider = provider
        self._publisher = publisher
        self._settings = settings
        self.calls = calls
        self._gate = gate
        self._clock = clock
        self._sleep = sleep
        self._retry = StatementRetry(sleep, shutting_down)
        self._call_ids = call_ids
        self._show_progress = show_progress
        self._memory = memory or NoMemory()

    def run(self, step: Step) -> StepOutcome:
        """Claim the step and do what the result of the claim requires, or let it wait for its model.

        A step whose result can be copied needs no model, so it does not wait for one.
        """
        call_id = self._call_ids()
        entry = self._gate.enter(step.agent, str(call_id))
        try:
            if isinstance(entry, Wait) and not self._memory.may_reuse(step):
                return self._defer(step, None, entry)
            return self._run_admitted(step, call_id, entry)
        except ShuttingDownError:
            return Requeue(REQUEUE_SECONDS)

    def _run_admitted(self, step: Step, call_id: UUID, entry: Pass | Wait) -> StepOutcome:
        has_begun = False
        try:
            claim, sent_at = self._claim(step, call_id)
            if claim is None or claim.result != "run":
                return self._without_call(step, claim)
            has_begun = True
            return self._run_claimed(step, claim, call_id, sent_at, entry)
        finally:
            if not has_begun:
                self._gate.released(entry)

    def _defer(self, step: Step, call_id: UUID | None, wait: Wait) -> StepOutcome:
        """Let the step wait, and give back the attempt of `call_id` if a call was begun."""
        repeat = self._retry.before_call if call_id is None else self._retry.until_answered
        claim = repeat(
            lambda: self._step_store.defer(
                step, call_id, wait=wait.seconds, waiting=wait.to_json(), is_outage=wait.is_outage
            )
        )
        if claim is not None and claim.result == "deferred":
            return Requeue(wait.seconds)
        return self._without_call(step, claim)

    def _without_call(self, step: Step, claim: Claim | None) -> StepOutcome:
        """Return the outcome of a claim or a deferral after which no agent is called."""
        if claim is None:
            return Drop("unknown")
        match claim.result:
            case "saved":
                return Advance()
            case "early":
                return Requeue(claim.wait)
            case "again":
                return Requeue(REQUEUE_SECONDS)
            case "exhausted":
                return self._fail(step, claim, None, worker_lost(claim.attempts))
            case _:
                return Drop(claim.result)

    def _claim(self, step: Step, call_id: UUID) -> tuple[Claim | None, float]:
        """Return the claim and when its statement was sent.

        The statement is repeated with the same call id after a lost answer and after the result `again`, so a claim
        that was granted without its answer arriving is granted again and counts one attempt.
        """
        for delay in retry_delays():
            sent_at = self._clock()
            claim = self._retry.before_call(lambda: self._step_store.claim(step, call_id))
            if claim is None or claim.result != "again":
                return claim, sent_at
            self._sleep(delay)
        raise AssertionError("the retry delays never end")

    def _run_claimed(self, step: Step, claim: Claim, call_id: UUID, sent_at: float, entry: Pass | Wait) -> StepOutcome:
        with self.calls.renewed(Call(call_id, step.thought_id, claimed_at=sent_at, renewed_at=sent_at)) as call:
            recall = self._memory.recall(step, claim)
            if recall.saved is not None:
                self._gate.released(entry)
                return self._copy(step, claim, call, recall.saved.result, recall.provenance(claim))
            if isinstance(entry, Wait):
                return self._defer(step, call_id, entry)
            return self._call_and_save(step, claim, call, entry, recall)

    def _copy(self, step: Step, claim: Claim, call: Call, result: AgentResult, provenance: Provenance) -> StepOutcome:
        """Save the result of an equal thought instead of calling the agent."""
        call.has_returned = True
        self._memory.remember(step, claim)
        return self._save(step, claim, call, result, provenance)

    def _call_and_save(self, step: Step, claim: Claim, call: Call, granted: Pass, recall: Recall) -> StepOutcome:
        if wait := self._gate.begin(granted, str(claim.user_id)):
            self._gate.released(granted)
            return self._defer(step, call.call_id, wait)
        earlier = self._memory.earlier_thoughts(step, claim)
        try:
            result = self._call_agent(step, claim, call, granted.model, earlier)
        except ShuttingDownError:
            self._gate.released(granted)
            return Requeue(REQUEUE_SECONDS)
        except Cancelled as error:
            return self._handle_cancellation(step, claim, call, granted, error)
        except ServiceError as error:
            return self._handle_service_failure(step, claim, call, granted, error)
        except BaseException as error:  # noqa: BLE001  the task boundary: an error that left it would prevent the ack
            self._gate.ended(granted, error)
            return self._handle_failure(step, claim, call, classify_error(error))
        call.has_returned = True
        self._gate.succeeded(granted, result, str(claim.user_id))
        kept = recall.after_call(result, granted.model, self._provider.models(step.agent))
        return self._save(step, claim, call, result, kept.provenance(claim, earlier))

    def _handle_service_failure(
        self, step: Step, claim: Claim, call: Call, granted: Pass, error: ServiceError
    ) -> StepOutcome:
        """Let the step wait if the service is unavailable or asked to wait; otherwise the attempt counts."""
        call.has_returned = True
        is_last = claim.attempts >= self._settings.max_attempts
        wait = self._gate.failed(granted, error, is_last=is_last)
        if wait is not None:
            return self._defer(step, call.call_id, wait)
        log.warning(
            "Attempt %d of a call of %s failed: %s", claim.attempts, granted.model, error.explanation,
            extra={"thought_id": step.thought_id, "step": step.number},
        )  # fmt: skip
        return self._handle_failure(step, claim, call, classify_error(error))

    def _call_agent(
        self, step: Step, claim: Claim, call: Call, model: str, earlier: Sequence[EarlierThought]
    ) -> AgentResult:
        self._renew_old_claim(call)
        seconds = self._settings.agent_timeout_seconds
        call.deadline = self._clock() + seconds
        context = call_context(step, claim, call, model, seconds, self._show_progress(call, step, claim.user_id))
        return self._provider.run(step.agent, agent_input(step, claim, earlier), context)

    def _renew_old_claim(self, call: Call) -> None:
        """Renew the call until its last renewal is younger than `max_claim_age_seconds`.

        A process that was suspended between claim and call may have lost its lease, so it must check PostgreSQL before
        it pays. Raises Cancelled when the call is fenced.
        """
        for delay in retry_delays():
            if self._clock() - call.renewed_at < self._settings.max_claim_age_seconds:
                return
            is_renewed = self._retry.before_call(lambda: self.calls.renew_now(call, self._step_store.renew))
            if call.fenced:
                raise Cancelled("fenced before the call")
            if not is_renewed:
                self._sleep(delay)

    def _save(self, step: Step, claim: Claim, call: Call, result: AgentResult, provenance: Provenance) -> StepOutcome:
        """Save the result, then publish its events. Keep it until PostgreSQL answers, because the call was paid for."""
        seconds = round(claim.elapsed + self._clock() - call.claimed_at, 3)
        completed = self._retry.until_answered(lambda: completion_events(step, claim, seconds))
        payloads = self._retry.until_answered(lambda: [event.to_bytes() for event in completed])
        try:
            is_saved = self._retry.until_answered(
                lambda: self._step_store.save(
                    step,
                    call.call_id,
                    claim.attempts,
                    result,
                    seconds=seconds,
                    events=payloads,
                    provenance=provenance,
                )
            )
        except Exception as error:  # noqa: BLE001  the task boundary: a provider may return anything
            return self._handle_failure(step, claim, call, unstorable_result(error))
        if not is_saved:
            return Drop("fenced")
        for event in completed:
            self._publisher.publish(event, terminal=isinstance(event, events.ThoughtCompleted))
        return Advance()

    def _handle_cancellation(
        self, step: Step, claim: Claim, call: Call, granted: Pass, error: Cancelled
    ) -> StepOutcome:
        if call.is_overdue(self._clock()) and not call.fenced:
            late = timed_out(self._settings.agent_timeout_seconds)
            if granted.model:
                return self._handle_service_failure(step, claim, call, granted, too_slow(late))
            return self._handle_failure(step, claim, call, late)
        self._gate.released(granted)
        return Drop("fenced") if call.fenced else self._handle_failure(step, claim, call, classify_error(error))

    def _handle_failure(self, step: Step, claim: Claim, call: Call, failure: Failure) -> StepOutcome:
        """Schedule a retry, or fail the thought when the failure is final or the attempts are exhausted."""
        call.has_returned = True
        if not failure.retriable or claim.attempts >= self._settings.max_attempts:
            return self._fail(step, claim, call.call_id, failure)
        backoff = backoff_seconds(failure, claim.attempts, self._settings.retry_backoff_seconds)
        error = failure.error(step.agent, claim.attempts)
        is_scheduled = self._retry.until_answered(
            lambda: self._step_store.schedule_retry(
                step, call.call_id, backoff=backoff, error=error, is_service=failure.is_service
            )
        )
        return Requeue(backoff) if is_scheduled else Drop("fenced")

    def _fail(self, step: Step, claim: Claim, call_id: UUID | None, failure: Failure) -> StepOutcome:
        """Fail the thought. `call_id` is None when the attempts are exhausted and no call is in progress."""
        event = events.thought_failed(
            claim.user_id,
            step.thought_id,
            claim.turn,
            agent=step.agent,
            kind=failure.kind,
            message=failure.message,
            attempts=claim.attempts,
        )
        is_failed = self._retry.until_answered(
            lambda: self._step_store.fail(
                step,
                call_id,
                claim.turn,
                error=failure.error(step.agent, claim.attempts),
                headers=failure.headers(step.agent, claim.attempts),
                event=event.to_bytes(),
            )
        )
        if not is_failed:
            return Drop("fenced")
        self._publisher.publish(event, terminal=True)
        log.error(
            "A thought failed and its dead letter is in the outbox: %s; see `python -m bridge dead-letters show %s:%d`",
            failure.kind,
            step.thought_id,
            claim.turn,
            extra={"thought_id": step.thought_id, "user_id": claim.user_id, "step": step.number, "agent": step.agent},
        )
        return Failed(failure.kind)
