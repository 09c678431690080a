"""Defines the interface of providers. A provider can answer for every agent of the catalogue."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel


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
    earlier_thoughts: Sequence[str] = ()
    """Texts of the same user's earlier thoughts, the newest first."""


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


@dataclass(frozen=True)
class AgentResult:
    """A validated output, its origin and its cost. `version` identifies the agent's rules or prompt."""

    output: BaseModel
    """`output.model_dump(mode="json")` is stored. It contains no NaN, no NUL and no lone surrogate."""
    provider: str
    model: str
    version: str
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal | None
    """None when the price is unknown; it is never estimated."""


class Provider(Protocol):
    """Answers for the agents. All threads of a process share one instance."""

    def run(self, agent_name: str, agent_input: AgentInput, context: CallContext) -> AgentResult:
        """Make one call and return its validated result.

        Raises only agents.errors.AgentError: TransientError, InvalidOutput, PermanentError or Cancelled.
        An answer that reports an error must be raised, never returned as a result.
        """
        ...
