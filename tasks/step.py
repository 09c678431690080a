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

from agents.errors import Cancelled
from agents.interface import AgentInput, AgentResult, CallContext, Provider
from contracts import events
from contracts.database import is_refused_data, why
from contracts.progress import Publisher
from contracts.settings import Settings
from tasks.calls import Call, Calls
from tasks.failures import Failure, backoff_seconds, lost, overdue, refused, sort_error
from tasks.step_store import Claim, Ledger, Step

log = logging.getLogger(__name__)

T = TypeVar("T")

OTHERS_SECONDS: Final = 1.0
"""After so long another worker takes what this one gives back."""

AGAIN_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between repeats of a statement while PostgreSQL is away; the last one is repeated."""


@dataclass(frozen=True, slots=True)
class Advance:
    """The step is saved: the chain goes on."""


@dataclass(frozen=True, slots=True)
class End:
    """The chain ends here without a word: somebody else has the thought, or it is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """The message is to come again in so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The thought has failed, and its dead letter is in the outbox."""

    kind: str


Outcome = Advance | End | PutBack | GivenUp


class LeavingError(Exception):
    """Raised when the process was told to end before an agent was called, and PostgreSQL does not answer: the message
    is for the others."""


class StepRunner:
    """Runs steps, many at once in threads; one instance a process."""

    def __init__(
        self,
        ledger: Ledger,
        provider: Provider,
        publisher: Publisher,
        calls: Calls,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        call_ids: Callable[[], UUID] = uuid4,
        leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger = ledger
        self._provider = provider
        self._publisher = publisher
        self._settings = settings
        self.calls = calls
        self._clock = clock
        self._sleep = sleep
        self._call_ids = call_ids
        self._leaving = leaving

    def run(self, step: Step) -> Outcome:
        """Do what PostgreSQL says is to be done about this message."""
        call_id = self._call_ids()
        try:
            claim, sent = self._claim(step, call_id)
        except LeavingError:
            return PutBack(OTHERS_SECONDS)
        if claim is None:
            return End("unknown")
        match claim.verdict:
            case "run":
                return self._called(step, claim, call_id, sent)
            case "saved":
                return Advance()
            case "early":
                return PutBack(claim.wait)
            case "exhausted":
                return self._give_up(step, claim, None, lost(claim.attempts))
            case _:
                return End(claim.verdict)

    def _claim(self, step: Step, call_id: UUID) -> tuple[Claim | None, float]:
        """The answer, and when its question was sent. A lost answer and `again` are asked for with the same id."""
        for wait in _waits():
            sent = self._clock()
            claim = self._before_the_call(lambda: self._ledger.claim(step, call_id))
            if claim is None or claim.verdict != "again":
                return claim, sent
            self._sleep(wait)
        raise AssertionError("the waits have no end")

    def _called(self, step: Step, claim: Claim, call_id: UUID, sent: float) -> Outcome:
        with self._registered(Call(call_id, step.thought_id, claimed=sent, sent=sent)) as call:
            try:
                result = self._ask_agent(step, claim, call)
            except LeavingError:
                return PutBack(OTHERS_SECONDS)
            except Cancelled as cancelled:
                return self._cancelled(step, claim, call, cancelled)
            except BaseException as error:  # noqa: BLE001  the task boundary: what leaves a thread is never acknowledged
                return self._failed(step, claim, call, sort_error(error))
            call.holding = True
            return self._saved(step, claim, call, result)

    @contextmanager
    def _registered(self, call: Call) -> Iterator[Call]:
        self.calls.add(call)
        try:
            yield call
        finally:
            self.calls.remove(call)

    def _ask_agent(self, step: Step, claim: Claim, call: Call) -> AgentResult:
        self._wait_until_fresh(call)
        call.deadline = self._clock() + self._settings.call_deadline_seconds
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
            deadline_seconds=self._settings.call_deadline_seconds,
            cancelled=call.cancelled,
            idempotency_key=f"{step.thought_id}:{claim.turn}:{step.number}:{claim.attempts}",
        )
        return self._provider.run(step.agent, given, context)

    def _wait_until_fresh(self, call: Call) -> None:
        """A process that was stopped between claim and call must look again before it pays. Raises Cancelled."""
        for wait in _waits():
            if self._clock() - call.sent < self._settings.fresh_seconds:
                return
            renewed = self._before_the_call(lambda: self.calls.renew_now(call, self._ledger.renew))
            if call.fenced:
                raise Cancelled("fenced before the call")
            if not renewed:
                self._sleep(wait)

    def _saved(self, step: Step, claim: Claim, call: Call, result: AgentResult) -> Outcome:
        seconds = round(claim.elapsed + self._clock() - call.claimed, 3)
        done = self._until_answered(lambda: self._events_of(step, claim, seconds))
        told = self._until_answered(lambda: [event.to_bytes() for event in done])
        try:
            saved = self._until_answered(
                lambda: self._ledger.save(step, call.call_id, claim.attempts, result, seconds=seconds, events=told)
            )
        except Exception as error:  # noqa: BLE001  the task boundary: what a provider hands over may be no result at all
            return self._failed(step, claim, call, refused(error))
        if not saved:
            return End("fenced")
        for event in done:
            self._publisher.publish(event, ended=isinstance(event, events.ThoughtCompleted))
        return Advance()

    def _events_of(self, step: Step, claim: Claim, seconds: float) -> list[events.Event]:
        told: list[events.Event] = [events.agent_completed(claim.user_id, step.thought_id, step.number)]
        if step.last:
            told.append(events.thought_completed(claim.user_id, step.thought_id, seconds))
        return told

    def _cancelled(self, step: Step, claim: Claim, call: Call, cancelled: Cancelled) -> Outcome:
        if call.fenced:
            return End("fenced")
        if call.overdue(self._clock()):
            return self._failed(step, claim, call, overdue(self._settings.call_deadline_seconds))
        return self._failed(step, claim, call, sort_error(cancelled))

    def _failed(self, step: Step, claim: Claim, call: Call, failure: Failure) -> Outcome:
        call.holding = True
        if not failure.retriable or claim.attempts >= self._settings.max_attempts:
            return self._give_up(step, claim, call.call_id, failure)
        backoff = backoff_seconds(failure, claim.attempts, self._settings.kafka_retry_backoff_ms / 1000)
        error = failure.error(step.agent, claim.attempts)
        retried = self._until_answered(lambda: self._ledger.retry(step, call.call_id, backoff=backoff, error=error))
        return PutBack(backoff) if retried else End("fenced")

    def _give_up(self, step: Step, claim: Claim, call_id: UUID | None, failure: Failure) -> Outcome:
        event = events.thought_failed(
            claim.user_id,
            step.thought_id,
            claim.turn,
            agent=step.agent,
            message=failure.message,
            attempts=claim.attempts,
        )
        ended = self._until_answered(
            lambda: self._ledger.fail(
                step,
                call_id,
                claim.turn,
                error=failure.error(step.agent, claim.attempts),
                headers=failure.headers(step.agent, claim.attempts),
                event=event.to_bytes(),
            )
        )
        if not ended:
            return End("fenced")
        self._publisher.publish(event, ended=True)
        log.error("Thought %s was given up at %s: %s", step.thought_id, step.agent, failure.kind)
        return GivenUp(failure.kind)

    def _before_the_call(self, statement: Callable[[], T]) -> T:
        """The same while nothing is paid for yet: a process that was told to end asks once more and then leaves.

        Not before: with an answer that was lost the claim may be its own, and nobody else would be let in for long.
        """
        return self._until_answered(statement, leaving=self._leaving)

    def _until_answered(self, statement: Callable[[], T], leaving: Callable[[], bool] = lambda: False) -> T:
        """Repeat a statement until PostgreSQL answers. Raises SQLAlchemyError only when it refuses the data itself.

        It is also repeated where memory was short, which is no fault of the thought that happens to meet it.
        """
        for repeats, wait in enumerate(_waits()):
            try:
                return statement()
            except (SQLAlchemyError, MemoryError) as error:
                if is_refused_data(error):
                    raise
                if repeats and leaving():
                    raise LeavingError from error
                log.warning("PostgreSQL is away or refuses, trying again in %g s: %s", wait, why(error))
            self._sleep(wait)
        raise AssertionError("the waits have no end")


def _waits() -> Iterator[float]:
    yield from AGAIN_SECONDS
    while True:
        yield AGAIN_SECONDS[-1]
