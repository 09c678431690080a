"""Runs the worker's statements against PostgreSQL, with typed parameters and results: one method per statement."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, Self
from uuid import UUID

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.interface import AgentResult
from contracts.database import Database
from contracts.settings import Settings
from contracts.text import clean
from tasks import statements
from tasks.thought_times import elapsed_seconds, written_at

ClaimResult = Literal["run", "saved", "stale", "busy", "exhausted", "early", "again", "deferred", "fenced"]
"""PostgreSQL's answer to a claim or to a deferral.

run        this call holds the claim: call the agent
saved      the step is saved already: send the next one
stale      the message is superseded, its predecessor is not saved, or the thought has ended
busy       another call of this step is in progress
exhausted  all allowed attempts were begun and none is in progress: fail the thought
early      a retry is scheduled for later
deferred   the step waits for the model service
fenced     the call that the deferral should end is not the current one
again      a concurrent statement changed the row: send the claim again
"""


EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """What a Celery message identifies: a thought, the `dispatch_id` that sent the message, and a step (from 1)."""

    thought_id: UUID
    dispatch_id: int
    """The `dispatch_id`: invalidates the messages of superseded dispatches."""
    number: int

    @classmethod
    def parse(cls, thought_id: str, token: int, number: int) -> Self:
        """Return the step that a message's arguments identify. Raises ValueError when they are malformed."""
        return cls(UUID(thought_id), int(token), number)

    @property
    def definition(self) -> Agent:
        """The catalogue's agent for this step."""
        return CATALOGUE.at_step(self.number)

    @property
    def agent(self) -> str:
        """The agent's name."""
        return self.definition.name

    @property
    def is_last(self) -> bool:
        """Whether this step completes the thought."""
        return self.number == CATALOGUE.total


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim, and what the agent needs to know."""

    result: ClaimResult
    user_id: UUID
    turn: int
    attempts: int
    """Calls begun of this step, including this one when the result is `run`."""
    wait: float = 0.0
    """Seconds until a retry may start."""
    elapsed: float = 0.0
    """Seconds since a bridge first dispatched the thought."""
    text: str = ""
    written_at: datetime = EPOCH
    profile: Mapping[str, Any] = field(default_factory=dict)
    profile_version: int = 0
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The saved outputs of the earlier steps, by agent name."""
    is_fresh: bool = False
    """Whether the author asked for a new analysis, although the results of an equal thought can be copied."""
    reused_from: UUID | None = None
    """The thought from which the result of the step before was copied."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result rests on besides the thought, stored with it."""

    profile_version: int = 0
    reuse_key: str | None = None
    """Equal for results that can stand in for each other (agents.reuse)."""
    reused_from: UUID | None = None
    """The thought from which the result was copied, without a call."""
    earlier_thoughts: Sequence[UUID] = ()
    """The earlier thoughts that the agent read."""


class StepStore:
    """Runs the statements of tasks/statements.py.

    All methods raise SQLAlchemyError, and all may be called again with the same arguments.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self._settings = settings

    def claim(self, step: Step, call_id: UUID) -> Claim | None:
        """Claim the step for one call. Return None when the thought does not exist."""
        row = self.database.row(
            statements.CLAIM,
            id=step.thought_id,
            dispatch_id=step.dispatch_id,
            step=step.number,
            call_id=call_id,
            max=self._settings.max_attempts,
        )
        if row is None:
            return None
        return Claim(
            result=row.result,
            user_id=row.user_id,
            turn=row.turn,
            attempts=row.attempts,
            wait=max(0.0, row.wait or 0.0),
            elapsed=elapsed_seconds(row.elapsed),
            text=row.text,
            written_at=written_at(row.created_at, datetime.now(UTC)),
            profile=row.profile["profile"] if row.profile else {},
            profile_version=row.profile["version"] if row.profile else 0,
            previous=row.previous or {},
            is_fresh=row.fresh,
            reused_from=row.reused_from,
        )

    def renew(self, calls: Mapping[UUID, UUID]) -> dict[UUID, bool]:
        """Raise the beats of the calls (call id -> thought id).

        Return, for each call, whether its beat was raised: it was not where another transaction had locked the row. A
        call that is missing from the result is fenced.
        """
        rows = self.database.rows(statements.RENEW, ids=list(calls.values()), calls=list(calls))
        return {row.call_id: row.renewed for row in rows}

    def save(
        self,
        step: Step,
        call_id: UUID,
        attempts: int,
        result: AgentResult,
        *,
        seconds: float,
        events: Iterable[bytes],
        provenance: Provenance = Provenance(),
    ) -> bool:
        """Save the step's result and write its `events` to the outbox. Return False, without writing, when fenced.

        `seconds` is the thought's processing time, stored with the last step. Raises whatever serialising an invalid
        result raises.
        """
        parameters = {
            "id": step.thought_id,
            "call_id": call_id,
            "step": step.number,
            "last": step.is_last,
            "seconds": seconds,
            "attempts": attempts,
            "profile_version": provenance.profile_version,
            "reuse_key": provenance.reuse_key,
            "reused_from": provenance.reused_from,
            "earlier_thoughts": list(provenance.earlier_thoughts) or None,
            "topic": self._settings.kafka_events_topic,
            "emit": self._settings.kafka_enabled,
            "events": list(events),
            **_run_columns(step, result),
        }
        return confirm_rejection(lambda: self.database.rows(statements.SAVE, **parameters)[0].result == "saved")

    def schedule_retry(
        self, step: Step, call_id: UUID, *, backoff: float, error: Mapping[str, Any], is_service: bool = False
    ) -> bool:
        """Schedule the next attempt in `backoff` seconds. Return False, without writing, when the call is fenced.

        `is_service` says that the service failed, which may turn out to be an outage.
        """
        parameters = {
            "id": step.thought_id,
            "call_id": call_id,
            "backoff": backoff,
            "service": int(is_service),
            "error": json.dumps(clean(dict(error))),
        }
        return self.database.row(statements.RETRY, **parameters) is not None

    def defer(
        self, step: Step, call_id: UUID | None, *, wait: float, waiting: Mapping[str, Any], is_outage: bool = False
    ) -> Claim | None:
        """Let the step wait `wait` seconds for the model service; no attempt is counted. `waiting` says why.

        `call_id` is that of the call whose failure was the service's, or None when no call was begun. `is_outage` gives
        back the earlier attempts that the service failed. The result is `deferred`, `fenced`, or what a claim of the
        step would return. Return None when the thought does not exist.
        """
        row = self.database.row(
            statements.DEFER,
            id=step.thought_id,
            dispatch_id=step.dispatch_id,
            step=step.number,
            call_id=call_id,
            max=self._settings.max_attempts,
            wait=wait,
            outage=is_outage,
            waiting=json.dumps(clean(dict(waiting))),
        )
        return None if row is None else Claim(row.result, row.user_id, row.turn, row.attempts)

    def count_in_progress(self) -> int:
        """Return how many thoughts are in progress."""
        return int(self.database.rows(statements.COUNT_IN_PROGRESS)[0].number)

    def fail(
        self,
        step: Step,
        call_id: UUID | None,
        turn: int,
        *,
        error: Mapping[str, Any],
        headers: Mapping[str, Any],
        event: bytes,
    ) -> bool:
        """Fail the thought and write its dead letter. Return False, without writing, when another call has moved it on.

        `call_id` is None when the attempts are exhausted and no call is in progress.
        """
        parameters = {
            "id": step.thought_id,
            "dispatch_id": step.dispatch_id,
            "step": step.number,
            "call_id": call_id,
            "turn": turn,
            "max": self._settings.max_attempts,
            "reason": str(error["kind"]),
            "error": json.dumps(clean(dict(error))),
            "headers": json.dumps(clean(dict(headers))),
            "event": event,
            "topic": self._settings.kafka_events_topic,
            "dead_letter_topic": self._settings.kafka_dead_letter_topic,
            "emit": self._settings.kafka_enabled,
        }
        return confirm_rejection(lambda: self.database.row(statements.FAIL, **parameters) is not None)


def confirm_rejection(statement: Callable[[], bool]) -> bool:
    """Run a statement again when it returns false, because the first "fenced" may be wrong.

    A repeat after a lost answer may wait for the row lock of its own first execution. It then reads that row as it was
    committed, but all other rows as they were when the repeat began, and so misses what the first execution wrote.
    """
    return statement() or statement()


def _run_columns(step: Step, result: AgentResult) -> dict[str, Any]:
    """Return the columns of `agent_runs` in types that psycopg2 can adapt: it knows no number types of other libraries.

    Raises whatever an invalid result raises.
    """
    origin = clean({"version": result.version, "provider": result.provider, "model": result.model})
    output = clean(result.output.model_dump(mode="json"))
    return {
        **origin,
        "agent": step.agent,
        "output": json.dumps(output, allow_nan=False),
        "tokens_in": None if result.tokens_in is None else int(result.tokens_in),
        "tokens_out": None if result.tokens_out is None else int(result.tokens_out),
        "cost_usd": None if result.cost_usd is None else Decimal(result.cost_usd),
        "dropped_claims": int(result.dropped_claims),
    }
