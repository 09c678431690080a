"""A step, from its message to its saved result: claim, call, save, tell.

The promise: the agent is called only while this execution holds the claim, its result is saved or known to be fenced,
and a thought that is given up is given up here, in the body, with its dead letter. Celery only delivers doorbells, so
every way out of `StepRunner.run` is an `Outcome`; no exception of an agent or of PostgreSQL leaves it.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from agents.catalogue import CATALOGUE
from agents.errors import Cancelled
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from contracts import events
from contracts.database import describe_error, is_refused_data
from contracts.progress import ProgressPublisher
from contracts.retry import retry
from contracts.settings import Settings
from tasks.calls import Call, Calls
from tasks.failures import Failure, backoff_seconds, classify_error, timed_out, unstorable_result, worker_lost
from tasks.step_store import Claim, Step, StepStore

log = logging.getLogger(__name__)

T = TypeVar("T")

REQUEUE_SECONDS: Final = 1.0
"""After so long another worker takes what this one gives back."""

RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between repeats of a statement while PostgreSQL is unavailable; the last one is repeated."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is saved: the chain goes on."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The chain ends here without a word: somebody else has the thought, or it is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Requeue:
    """The message is to come again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The thought has failed, and its dead letter is in the outbox."""

    kind: str


StepOutcome = Advance | Drop | Requeue | Failed


class ShuttingDownError(Exception):
    """Raised when the process was told to end before an agent was called, and PostgreSQL does not answer: the message
    is for the others."""


class StepRunner:
    """Runs steps, many at once in threads; one instance a process."""

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

    def run(self, step: Step) -> StepOutcome:
        """Do what PostgreSQL says is to be done about this message."""
        call_id = self._call_ids()
        try:
            claim, sent = self._claim(step, call_id)
        except ShuttingDownError:
            return Requeue(REQUEUE_SECONDS)
        if claim is None:
            return Drop("unknown")
        match claim.result:
            case "run":
                return self._run_claimed(step, claim, call_id, sent)
            case "saved":
                return Advance()
            case "early":
                return Requeue(claim.wait)
            case "exhausted":
                return self._fail(step, claim, None, worker_lost(claim.attempts))
            case _:
                return Drop(claim.result)

    def _claim(self, step: Step, call_id: UUID) -> tuple[Claim | None, float]:
        """The answer, and when its question was sent. A lost answer and `again` are asked for with the same id."""
        for wait in _retry_delays():
            sent = self._clock()
            claim = self._retry_before_call(lambda: self._step_store.claim(step, call_id))
            if claim is None or claim.result != "again":
                return claim, sent
            self._sleep(wait)
        raise AssertionError("the waits have no end")

    def _run_claimed(self, step: Step, claim: Claim, call_id: UUID, sent: float) -> StepOutcome:
        with self._renewed(Call(call_id, step.thought_id, claimed=sent, renewed=sent)) as call:
            try:
                result = self._call_agent(step, claim, call)
            except ShuttingDownError:
                return Requeue(REQUEUE_SECONDS)
            except Cancelled as cancelled:
                return self._handle_cancellation(step, claim, call, cancelled)
            except BaseException as error:  # noqa: BLE001  the task boundary: what leaves a thread is never acknowledged
                return self._handle_failure(step, claim, call, classify_error(error))
            call.has_result = True
            return self._save(step, claim, call, result)

    @contextmanager
    def _renewed(self, call: Call) -> Iterator[Call]:
        self.calls.add(call)
        try:
            yield call
        finally:
            self.calls.remove(call)

    def _call_agent(self, step: Step, claim: Claim, call: Call) -> AgentResult:
        self._renew_stale_claim(call)
        call.deadline = self._clock() + self._settings.agent_timeout_seconds
        given = AgentInput(
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
        )
        return self._provider.run(step.agent, given, context)

    def _renew_stale_claim(self, call: Call) -> None:
        """A process that was stopped between claim and call must look again before it pays. Raises Cancelled."""
        for wait in _retry_delays():
            if self._clock() - call.renewed < self._settings.max_claim_age_seconds:
                return
            renewed = self._retry_before_call(lambda: self.calls.renew_now(call, self._step_store.renew))
            if call.fenced:
                raise Cancelled("fenced before the call")
            if not renewed:
                self._sleep(wait)

    def _save(self, step: Step, claim: Claim, call: Call, result: AgentResult) -> StepOutcome:
        seconds = round(claim.elapsed + self._clock() - call.claimed, 3)
        done = self._retry_until_success(lambda: self._completion_events(step, claim, seconds))
        told = self._retry_until_success(lambda: [event.to_bytes() for event in done])
        try:
            saved = self._retry_until_success(
                lambda: self._step_store.save(step, call.call_id, claim.attempts, result, seconds=seconds, events=told)
            )
        except Exception as error:  # noqa: BLE001  the task boundary: what a provider hands over may be no result at all
            return self._handle_failure(step, claim, call, unstorable_result(error))
        if not saved:
            return Drop("fenced")
        for event in done:
            self._publisher.publish(event, terminal=isinstance(event, events.ThoughtCompleted))
        return Advance()

    def _completion_events(self, step: Step, claim: Claim, seconds: float) -> list[events.Event]:
        agent_completed = events.agent_completed(
            claim.user_id, step.thought_id, step.number, agent_name=step.agent, total=CATALOGUE.total
        )
        if not step.is_last:
            return [agent_completed]
        return [agent_completed, events.thought_completed(claim.user_id, step.thought_id, seconds)]

    def _handle_cancellation(self, step: Step, claim: Claim, call: Call, cancelled: Cancelled) -> StepOutcome:
        if call.fenced:
            return Drop("fenced")
        if call.is_overdue(self._clock()):
            return self._handle_failure(step, claim, call, timed_out(self._settings.agent_timeout_seconds))
        return self._handle_failure(step, claim, call, classify_error(cancelled))

    def _handle_failure(self, step: Step, claim: Claim, call: Call, failure: Failure) -> StepOutcome:
        call.has_result = True
        if not failure.retriable or claim.attempts >= self._settings.max_attempts:
            return self._fail(step, claim, call.call_id, failure)
        backoff = backoff_seconds(failure, claim.attempts, self._settings.kafka_retry_backoff_ms / 1000)
        error = failure.error(step.agent, claim.attempts)
        retried = self._retry_until_success(
            lambda: self._step_store.retry(step, call.call_id, backoff=backoff, error=error)
        )
        return Requeue(backoff) if retried else Drop("fenced")

    def _fail(self, step: Step, claim: Claim, call_id: UUID | None, failure: Failure) -> StepOutcome:
        event = events.thought_failed(
            claim.user_id,
            step.thought_id,
            claim.turn,
            agent=step.agent,
            message=failure.message,
            attempts=claim.attempts,
        )
        ended = self._retry_until_success(
            lambda: self._step_store.fail(
                step,
                call_id,
                claim.turn,
                error=failure.error(step.agent, claim.attempts),
                headers=failure.headers(step.agent, claim.attempts),
                event=event.to_bytes(),
            )
        )
        if not ended:
            return Drop("fenced")
        self._publisher.publish(event, terminal=True)
        log.error("Thought %s was given up at %s: %s", step.thought_id, step.agent, failure.kind)
        return Failed(failure.kind)

    def _retry_before_call(self, statement: Callable[[], T]) -> T:
        """The same while nothing is paid for yet: a process that was told to end asks once more and then leaves.

        Not before: with an answer that was lost the claim may be its own, and nobody else would be let in for long.
        """
        return self._retry_until_success(statement, shutting_down=self._shutting_down)

    def _retry_until_success(self, statement: Callable[[], T], shutting_down: Callable[[], bool] = lambda: False) -> T:
        """Repeat a statement until PostgreSQL answers. Raises SQLAlchemyError only when it refuses the data itself.

        It is also repeated where memory was short, which is no fault of the thought that happens to meet it.
        """
        failures: list[Exception] = []

        def give_up_or_log(error: Exception, delay: float) -> None:
            if failures and shutting_down():
                raise ShuttingDownError from error
            failures.append(error)
            log.warning("PostgreSQL is unavailable or refuses, retrying in %g s: %s", delay, describe_error(error))

        return retry(
            statement,
            errors=(SQLAlchemyError, MemoryError),
            is_transient=lambda error: not is_refused_data(error),
            delays=_retry_delays(),
            on_retry=give_up_or_log,
            sleep=self._sleep,
        )


def _retry_delays() -> Iterator[float]:
    yield from RETRY_DELAYS
    while True:
        yield RETRY_DELAYS[-1]
