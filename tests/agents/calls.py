"""Makes inputs and contexts of calls, with defaults for everything that a test does not set."""

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput, CallContext, EarlierThought, Provider

WITHOUT_DEADLINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests, because the duration of an example depends on the load of the machine."""


WRITTEN_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A Monday."""


def make_input(
    text: str = "Should I learn Rust this winter?", thought_id: str = "a-thought", **fields: Any
) -> AgentInput:
    """Return an input. The earlier thoughts may be given as texts."""
    earlier = [_earlier_thought(thought) for thought in fields.pop("earlier_thoughts", ())]
    times = {"written_at": WRITTEN_AT, "called_at": WRITTEN_AT}
    return AgentInput(thought_id=thought_id, user_id="a-user", text=text, earlier_thoughts=earlier, **(times | fields))


def _earlier_thought(thought: str | EarlierThought) -> EarlierThought:
    return (
        thought
        if isinstance(thought, EarlierThought)
        else EarlierThought("an-id", thought, WRITTEN_AT.date(), similarity=0.95)
    )


def make_context(attempt: int = 1, deadline_seconds: float = 60, **fields: Any) -> CallContext:
    return CallContext(
        call_id=str(uuid4()),
        attempt=attempt,
        deadline_seconds=deadline_seconds,
        cancelled=threading.Event(),
        idempotency_key="a-key",
        **fields,
    )


def run_all_agents(provider: Provider, text: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """Run all agents in order, as the system does, and return their outputs as they are stored."""
    outputs: dict[str, dict[str, Any]] = {}
    for agent_name in CATALOGUE.names:
        agent_input = make_input(text, previous=dict(outputs), **fields)
        outputs[agent_name] = provider.run(agent_name, agent_input, make_context()).output.model_dump(mode="json")
    return outputs
