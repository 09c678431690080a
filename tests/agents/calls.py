"""Inputs and contexts of calls, with everything that a test does not care about filled in."""

import threading
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput, CallContext, Provider

ON_A_BUSY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: how fast an example runs says nothing about what it proves."""


def an_input(
    text: str = "Should I learn Rust this winter?", thought_id: str = "a-thought", **others: Any
) -> AgentInput:
    return AgentInput(thought_id=thought_id, user_id="a-user", text=text, **others)


def a_context(attempt: int = 1, deadline_seconds: float = 60, cancelled: threading.Event | None = None) -> CallContext:
    return CallContext(
        call_id=str(uuid4()),
        attempt=attempt,
        deadline_seconds=deadline_seconds,
        cancelled=cancelled or threading.Event(),
        idempotency_key="a-key",
    )


def analyse(provider: Provider, text: str, **others: Any) -> dict[str, dict[str, Any]]:
    """The stored outputs of all five agents, one after the other, as the system runs them."""
    outputs: dict[str, dict[str, Any]] = {}
    for agent_name in CATALOGUE.names:
        given = an_input(text, previous=dict(outputs), **others)
        outputs[agent_name] = provider.run(agent_name, given, a_context()).output.model_dump(mode="json")
    return outputs
