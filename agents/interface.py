"""Defines the interface of providers. A provider can answer for every agent of the catalogue."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel

PartialOutput = Mapping[str, Any]
"""The fields of an output that a model has written so far; the last text may be cut."""


def ignore_progress(_: PartialOutput) -> None:
    """Drop a partial output, for callers that show none."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EarlierThought:
    """A completed thought that the same user wrote before, and that is similar to the present one."""

    id: str
    text: str
    written_on: date
    """By the calendar of the author's time zone."""
    outcome: str = ""
    """What came out of it: its priority level and the recommendation, such as "High: Call the bank today."."""
    similarity: float = 0.0
    """The cosine of the two texts' vectors; agents.embedding.model says what it means."""


@dataclass(frozen=True)
class AgentInput:
    """The input of a call. All of it was written by people or models: it is data, never instructions."""

    thought_id: str
    user_id: str
    text: str
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The stored outputs of the earlier agents, by agent name."""
    profile: Mapping[str, Any] = field(default_factory=dict)
    """What the user wrote about themselves: goals, constraints, values_ranking, recent_patterns, current_challenges;
    all of them are optional."""
    earlier_thoughts: Sequence[EarlierThought] = ()
    """The same user's most similar earlier thoughts, the most similar first."""
    written_at: datetime = field(default_factory=_now)
    """When the thought was written: "tomorrow" is the day after it."""
    called_at: datetime = field(default_factory=_now)
    """When the agent is called: how urgent a date is counts from it."""


@dataclass(frozen=True)
class CallContext:
    """One paid call: its id, its deadline and its cancellation."""

    call_id: str
    attempt: int
    """Counted from 1: the calls of this step that began since it was last saved or replayed."""
    deadline_seconds: float
    """How long the whole call may take. A provider that has no answer by then raises TransientError."""
    cancelled: threading.Event
    """Set when the call is fenced or reaches its deadline. A provider waits with `cancelled.wait(timeout)`, and then
    raises Cancelled."""
    idempotency_key: str
    """The same for every repetition of one attempt, for providers that can use it to charge only once."""
    model: str = ""
    """Which of `Provider.models` answers; "" for a provider without a model service."""
    on_progress: Callable[[PartialOutput], None] = ignore_progress
    """Called with what a model has written so far, at most five times a second. It may run in any thread, must return
    at once and must not raise."""


@dataclass(frozen=True)
class AgentResult:
    """A validated output, its origin and its cost. `version` identifies the agent's rules or prompt.

    Tokens and cost are None when they are unknown; they are never estimated.
    """

    output: BaseModel
    """`output.model_dump(mode="json")` is stored. It contains no NaN, no NUL and no lone surrogate."""
    provider: str
    model: str
    version: str
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: Decimal | None
    dropped_claims: int = 0
    """Claims that were left out because their quotes were not in their sources."""
    is_complete: bool = True
    """False when something was missing that this provider usually has, so that another call may answer better. Such a
    result is shown, and never copied to another thought."""


class Provider(Protocol):
    """Answers for the agents. All threads of a process share one instance."""

    def identity(self) -> Mapping[str, Any]:
        """Return what decides, besides their input, what the agents answer: versions, models and their addresses.

        JSON-like and without secrets. Results of equal identities can stand in for each other.
        """
        ...

    def models(self, agent_name: str) -> Sequence[str]:
        """Return the models that can answer for an agent, as `provider:model`, in the order of preference.

        Empty when no model service is called. Connects to nothing.
        """
        ...

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        """Make one call and return its validated result.

        Raises only agents.errors.AgentError: TransientError, InvalidOutput, ServiceError, PermanentError or Cancelled.
        An answer that reports an error must be raised, never returned as a result.
        """
        ...

    def check(self, model: str) -> None:
        """Make the smallest possible call of a model, to learn whether its service answers.

        Raises ServiceError when it does not.
        """
        ...
