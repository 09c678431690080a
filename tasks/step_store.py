"""What the worker asks and tells PostgreSQL about a step, in typed form: one method a statement."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Self
from uuid import UUID

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.interface import AgentResult
from contracts.database import Database
from contracts.settings import Settings
from contracts.text import clean
from tasks import statements

ClaimResult = Literal["run", "saved", "stale", "busy", "exhausted", "early", "again"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a message names: a thought, the dispatch that sent it, and which step (from 1) is to be done."""

    thought_id: UUID
    token: int
    number: int

    @classmethod
    def parse(cls, thought_id: str, token: int, number: int) -> Self:
        """The step of a message's arguments. Raises ValueError."""
        return cls(UUID(thought_id), int(token), number)

    @property
    def definition(self) -> Agent:
        """The agent of this step, as the catalogue has it."""
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
    """PostgreSQL's answer to a claim. `attempts` counts the calls begun, this one included when the verdict is run."""

    result: ClaimResult
    user_id: UUID
    turn: int
    attempts: int
    wait: float = 0.0
    """Seconds until a retry may start."""
    elapsed: float = 0.0
    """Seconds since the thought was first taken."""
    text: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    earlier: Sequence[str] = ()
    """The same author's latest completed thoughts, for the agent that compares (the second)."""


class StepStore:
    """The named statements. All methods raise SQLAlchemyError, and all may be called again with the same arguments."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def claim(self, step: Step, call: UUID) -> Claim | None:
        """Ask for the right to call; None when the thought is not there."""
        row = self._database.row(
            statements.CLAIM,
            id=step.thought_id,
            token=step.token,
            step=step.number,
            call=call,
            max=self._settings.max_attempts,
            earlier=step.definition.reads_earlier_thoughts,
        )
        if row is None:
            return None
        return Claim(
            result=row.verdict,
            user_id=row.user_id,
            turn=row.turn,
            attempts=row.attempts,
            wait=max(0.0, row.wait or 0.0),
            elapsed=max(0.0, row.elapsed or 0.0),
            text=row.text,
            profile=row.profile or {},
            previous=row.previous or {},
            earlier=row.earlier or (),
        )

    def renew(self, calls: Mapping[UUID, UUID]) -> dict[UUID, bool]:
        """Raise the beats of the calls (call id -> thought id); the calls not in the answer are fenced.

        It says of each whether its beat was raised: not where somebody had locked the row.
        """
        rows = self._database.rows(statements.RENEW, ids=list(calls.values()), calls=list(calls))
        return {row.call_id: row.renewed for row in rows}

    def save(
        self, step: Step, call: UUID, attempts: int, result: AgentResult, *, seconds: float, events: Iterable[bytes]
    ) -> bool:
        """Keep the step's result; False when the call was fenced and nothing was written.

        May raise anything for a result that is not one.
        """
        parameters = {
            "id": step.thought_id,
            "call": call,
            "step": step.number,
            "last": step.is_last,
            "seconds": seconds,
            "attempts": attempts,
            "topic": self._settings.kafka_events_topic,
            "emit": self._settings.kafka_enabled,
            "events": list(events),
            **_run_columns(step, result),
        }
        return confirm_rejection(lambda: self._database.rows(statements.SAVE, **parameters)[0].verdict == "saved")

    def retry(self, step: Step, call: UUID, *, backoff: float, error: Mapping[str, Any]) -> bool:
        """Free the call for a later one in `backoff` seconds; False when it was fenced."""
        parameters = {"id": step.thought_id, "call": call, "backoff": backoff, "error": json.dumps(clean(dict(error)))}
        return self._database.row(statements.RETRY, **parameters) is not None

    def fail(
        self,
        step: Step,
        call: UUID | None,
        turn: int,
        *,
        error: Mapping[str, Any],
        headers: Mapping[str, Any],
        event: bytes,
    ) -> bool:
        """End the thought with its dead letter; False when somebody else has moved on. No call: attempts exhausted."""
        parameters = {
            "id": step.thought_id,
            "token": step.token,
            "step": step.number,
            "call": call,
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
        return confirm_rejection(lambda: self._database.row(statements.FAIL, **parameters) is not None)


def confirm_rejection(statement: Callable[[], bool]) -> bool:
    """A no is asked for twice. A repeat that had to wait for its own first try, whose answer was lost, still sees the
    rows as they were before that one, but for the row it waited for."""
    return statement() or statement()


def _run_columns(step: Step, result: AgentResult) -> dict[str, Any]:
    """Columns that psycopg2 can write down: a number type of some library's own would never reach PostgreSQL.

    Raises whatever a result that is none raises.
    """
    told = clean({"version": result.version, "provider": result.provider, "model": result.model})
    output = clean(result.output.model_dump(mode="json"))
    return {
        **told,
        "agent": step.agent,
        "output": json.dumps(output, allow_nan=False),
        "tokens_in": None if result.tokens_in is None else int(result.tokens_in),
        "tokens_out": None if result.tokens_out is None else int(result.tokens_out),
        "cost_usd": None if result.cost_usd is None else Decimal(result.cost_usd),
    }
