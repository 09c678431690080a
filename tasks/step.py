"""The step protocol: claims a step in PostgreSQL, calls its agent, saves the result, and publishes progress.

What it guarantees:

- The agent is called only while this execution holds the claim (`call_id`).
- A paid result is kept until PostgreSQL answers that it is saved, or that the call is fenced.
- When no attempt is left, the failed state and its dead letter are written here, in the task body, in one statement.

Celery messages are only hints: they may be late, duplicated, reordered or lost. PostgreSQL decides what each message
means, so `StepRunner.run` always returns a `StepOutcome`, and no exception of an agent or of PostgreSQL leaves it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from agents.catalogue import CATALOGUE
from agents.errors import Cancelled
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from contracts import events
from contracts.database import describe_error, is_rejected_data
from contracts.progress import ProgressPublisher
from contracts.retry import retry
from contracts.settings import Settings
from tasks.calls import Call, Calls
from tasks.failures import Failure, backoff_seconds, classify_error, timed_out, unstorable_result, worker_lost
from tasks.partial_text import ShowProgress, show_no_progress
from tasks.step_outcomes import Advance, Drop, Failed, Requeue, StepOutcome
from tasks.step_store import Claim, Step, StepStore

log = logging.getLogger(__name__)

T = TypeVar("T")

REQUEUE_SECONDS: Final = 1.0
"""The delay before another worker receives a message that this process requeues while it shuts down."""

STATEMENT_RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between retries of a statement while PostgreSQL is unavailable; the last delay repeats without limit."""


class ShuttingDownError(Exception):
    """Raised when PostgreSQL is unavailable, the process is shutting down and no agent was called yet: another worker
    takes the message."""


class StepRunner:
    """Runs steps. One instance serves all threads of a process."""

    def __init__(
        self,
        step_store: StepStore,
        provider: Provider,
        publisher: ProgressPublisher,
        calls: Calls,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        call_ids: Callable[[], UUID] = uuid4,
        shutting_down: Callable[[], bool] = lambda: False,
        show_progress: ShowProgress = show_no_progress,
    ) -> None:
        self._step_store = step_store
        self._provider = provider
        self._publisher = publisher
        self._settings = settings
        self.calls = calls
        self._clock = clock
        self._sleep = sleep
        self._call_ids = call_ids
        self._shutting_down = shutting_down
        self._show_progress = show_progress

    def run(self, step: Step) -> StepOutcome:
        """Claim the step and do what the result of the claim requires."""
        call_id = self._call_ids()
        try:
            claim, sent_at = self._claim(step, call_id)
        except ShuttingDownError:
            return Requeue(REQUEUE_SECONDS)
        if claim is None:
            return Drop("unknown")
        match claim.result:
            case "run":
                return self._run_claimed(step, claim, call_id, sent_at)
            case "saved":
                return Advance()
            case "early":
                return Requeue(claim.wait)
            case "exhausted":
                return self._fail(step, claim, None, worker_lost(claim.attempts))
            case _:
                return Drop(claim.result)

    def _claim(self, step: Step, call_id: UUID) -> tuple[Claim | None, float]:
        """Return the claim and when its statement was sent.

        The statement is repeated with the same call id after a lost answer and after the result `again`, so a claim
        that was granted without its answer arriving is granted again and counts one attempt.
        """
        for delay in _retry_delays():
            sent_at = self._clock()
            claim = self._repeat_before_call(lambda: self._step_store.claim(step, call_id))
            if claim is None or claim.result != "again":
                return claim, sent_at
            self._sleep(delay)
        raise AssertionError("the retry delays never end")

    def _run_claimed(self, step: Step, claim: Claim, call_id: UUID, sent_at: float) -> StepOutcome:
        with self._renewed(Call(call_id, step.thought_id, claimed_at=sent_at, renewed_at=sent_at)) as call:
            try:
                result = self._call_agent(step, claim, call)
            except ShuttingDownError:
                return Requeue(REQUEUE_SECONDS)
            except Cancelled as error:
                return self._handle_cancellation(step, claim, call, error)
            except BaseException as error:  # noqa: BLE001  the task boundary: an error that left it would prevent the ack
                return self._handle_failure(step, claim, call, classify_error(error))
            call.has_returned = True
            return self._save(step, claim, call, result)

    @contextmanager
    def _renewed(self, call: Call) -> Iterator[Call]:
        self.calls.add(call)
        try:
            yield call
        finally:
            self.calls.remove(call)

    def _call_agent(self, step: Step, claim: Claim, call: Call) -> AgentResult:
        self._renew_old_claim(call)
        call.deadline = self._clock() + self._settings.agent_timeout_seconds
        agent_input = AgentInput(
            thought_id=str(step.thought_id),
            user_id=str(claim.user_id),
            text=claim.text,
            previous=claim.previous,
            profile=claim.profile,
            earlier_thoughts=claim.earlier,
        )
        context = CallContext(
            call_id=str(call.call_id),
            attempt=claim.attempts,
            deadline_seconds=self._settings.agent_timeout_seconds,
            cancelled=call.cancelled,
            idempotency_key=f"{step.thought_id}:{claim.turn}:{step.number}:{claim.attempts}",
            on_progress=self._show_progress(call, step, claim.user_id),
        )
        return self._provider.run(step.agent, agent_input, context)

    def _renew_old_claim(self, call: Call) -> None:
        """Renew the call until its last renewal is younger than `max_claim_age_seconds`.

        A process that was suspended between claim and call may have lost its lease, so it must check PostgreSQL before
        it pays. Raises Cancelled when the call is fenced.
        """
        for delay in _retry_delays():
            if self._clock() - call.renewed_at < self._settings.max_claim_age_seconds:
                return
            is_renewed = self._repeat_before_call(lambda: self.calls.renew_now(call, self._step_store.renew))
            if call.fenced:
                raise Cancelled("fenced before the call")
            if not is_renewed:
                self._sleep(delay)

    def _save(self, step: Step, claim: Claim, call: Call, result: AgentResult) -> StepOutcome:
        """Save the result, then publish its events. Keep it until PostgreSQL answers, because the call was paid for."""
        seconds = round(claim.elapsed + self._clock() - call.claimed_at, 3)
        completed = self._repeat_until_answered(lambda: self._completion_events(step, claim, seconds))
        payloads = self._repeat_until_answered(lambda: [event.to_bytes() for event in completed])
        try:
            is_saved = self._repeat_until_answered(
                lambda: self._step_store.save(
                    step,
                    call.call_id,
                    claim.attempts,
                    result,
                    seconds=seconds,
                    events=payloads,
                    profile_version=claim.profile_version,
                )
            )
        except Exception as error:  # noqa: BLE001  the task boundary: a provider may return anything
            return self._handle_failure(step, claim, call, unstorable_result(error))
        if not is_saved:
            return Drop("fenced")
        for event in completed:
            self._publisher.publish(event, terminal=isinstance(event, events.ThoughtCompleted))
        return Advance()

    def _completion_events(self, step: Step, claim: Claim, seconds: float) -> list[events.Event]:
        agent_completed = events.agent_completed(
            claim.user_id, step.thought_id, step.number, agent_name=step.agent, total=CATALOGUE.total
        )
        if not step.is_last:
            return [agent_completed]
        return [agent_completed, events.thought_completed(claim.user_id, step.thought_id, seconds)]

    def _handle_cancellation(self, step: Step, claim: Claim, call: Call, error: Cancelled) -> StepOutcome:
        if call.fenced:
            return Drop("fenced")
        if call.is_overdue(self._clock()):
            return self._handle_failure(step, claim, call, timed_out(self._settings.agent_timeout_seconds))
        return self._handle_failure(step, claim, call, classify_error(error))

    def _handle_failure(self, step: Step, claim: Claim, call: Call, failure: Failure) -> StepOutcome:
        """Schedule a retry, or fail the thought when the failure is final or the attempts are exhausted."""
        call.has_returned = True
        if not failure.retriable or claim.attempts >= self._settings.max_attempts:
            return self._fail(step, claim, call.call_id, failure)
        backoff = backoff_seconds(failure, claim.attempts, self._settings.retry_backoff_seconds)
        error = failure.error(step.agent, claim.attempts)
        is_scheduled = self._repeat_until_answered(
            lambda: self._step_store.schedule_retry(step, call.call_id, backoff=backoff, error=error)
        )
        return Requeue(backoff) if is_scheduled else Drop("fenced")

    def _fail(self, step: Step, claim: Claim, call_id: UUID | None, failure: Failure) -> StepOutcome:
        """Fail the thought. `call_id` is None when the attempts are exhausted and no call is in progress."""
        event = events.thought_failed(
            claim.user_id,
            step.thought_id,
            claim.turn,
            agent=step.agent,
            message=failure.message,
            attempts=claim.attempts,
        )
        is_failed = self._repeat_until_answered(
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

    def _repeat_before_call(self, statement: Callable[[], T]) -> T:
        """Repeat a statement until PostgreSQL answers, while no agent has been called yet.

        A process that is shutting down repeats the statement once before it raises ShuttingDownError: a claim whose
        answer was lost may have been granted, and until its lease expires no other worker could claim the step.
        """
        return self._repeat_until_answered(statement, shutting_down=self._shutting_down)

    def _repeat_until_answered(
        self, statement: Callable[[], T], shutting_down: Callable[[], bool] = lambda: False
    ) -> T:
        """Repeat a statement until PostgreSQL answers. Raises SQLAlchemyError only when PostgreSQL rejects the data.

        A MemoryError is retried as well, because the thought that meets it did not cause it.
        """
        earlier_errors: list[Exception] = []

        def give_up_or_log(error: Exception, delay: float) -> None:
            if earlier_errors and shutting_down():
                raise ShuttingDownError from error
            earlier_errors.append(error)
            problem = "PostgreSQL is unavailable or rejects the statement"
            if isinstance(error, MemoryError):
                problem = "Memory is exhausted"
            log.warning("%s, retrying in %g s: %s", problem, delay, describe_error(error))

        return retry(
            statement,
            errors=(SQLAlchemyError, MemoryError),
            is_transient=lambda error: not is_rejected_data(error),
            delays=_retry_delays(),
            on_retry=give_up_or_log,
            sleep=self._sleep,
        )


def _retry_delays() -> Iterator[float]:
    yield from STATEMENT_RETRY_DELAYS
    while True:
        yield STATEMENT_RETRY_DELAYS[-1]
