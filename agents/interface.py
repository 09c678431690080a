"""What a provider is: something that can play any of the five agents for one thought."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from pydantic import BaseModel


@dataclass(frozen=True)
class AgentInput:
    """What an agent may know. All of it was written by people or models: data, never instructions."""

    thought_id: str
    user_id: str
    text: str
    previous: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The outputs of the agents before this one, by agent name, as they were stored."""
    profile: Mapping[str, Any] = field(default_factory=dict)
    """The user's own words: goals, constraints, values_ranking, recent_patterns, current_challenges; all optional."""
    earlier_thoughts: Sequence[str] = ()
    """Texts of the same user's earlier thoughts, the newest first."""


@dataclass(frozen=True)
class CallContext:
    """One paid call: who it is, how long it may take, and how it learns that nobody waits any more."""

    call_id: str
    attempt: int
    """From 1; counts the calls begun of this step since it was last saved or replayed."""
    deadline_seconds: float
    """How long the whole call may take. A provider that waits longer raises TransientError."""
    cancelled: threading.Event
    """Set when the call is fenced. A provider waits with `cancelled.wait(timeout)` and then raises Cancelled."""
    idempotency_key: str
    """The same for every repeat of one attempt, for providers that can use it to charge only once."""


@dataclass(frozen=True)
class AgentResult:
    """A validated output, and what it took. `version` names the agent's rules or prompt."""

    output: BaseModel
    """`output.model_dump(mode="json")` is what is stored: no NaN, no NUL, no lone surrogate."""
    provider: str
    model: str
    version: str
    tokens_in: int
    tokens_out: int
    cost_usd: Decimal | None
    """None where the price is not known, never a guess."""


class Provider(Protocol):
    """Plays the agents. One instance serves all threads of a process."""

    def run(self, agent_name: str, given: AgentInput, context: CallContext) -> AgentResult:
        """Make one call and return its validated result.

        Raises only agents.errors.AgentError: TransientError, InvalidOutput, PermanentError, Cancelled.
        An answer that reports an error is never a result.
        """
        ...
