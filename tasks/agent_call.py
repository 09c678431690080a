"""Builds what one call of an agent needs from the claim of its step, and the events that its saved result causes."""

from collections.abc import Callable, Sequence

from agents.catalogue import CATALOGUE
from agents.interface import AgentInput, CallContext, EarlierThought, PartialOutput
from contracts import events
from tasks.calls import Call
from tasks.step_store import Claim, Step


def agent_input(step: Step, claim: Claim, earlier: Sequence[EarlierThought]) -> AgentInput:
    """Return the input of the agent."""
    return AgentInput(
        thought_id=str(step.thought_id),
        user_id=str(claim.user_id),
        text=claim.text,
        previous=claim.previous,
        profile=claim.profile,
        earlier_thoughts=earlier,
        written_at=claim.written_at,
    )


def call_context(
    step: Step,
    claim: Claim,
    call: Call,
    model: str,
    deadline_seconds: float,
    on_progress: Callable[[PartialOutput], None],
) -> CallContext:
    """Return the context of the call. Its idempotency key is the same for every repetition of one attempt."""
    return CallContext(
        call_id=str(call.call_id),
        attempt=claim.attempts,
        deadline_seconds=deadline_seconds,
        cancelled=call.cancelled,
        idempotency_key=f"{step.thought_id}:{claim.turn}:{step.number}:{claim.attempts}",
        model=model,
        on_progress=on_progress,
    )


def completion_events(step: Step, claim: Claim, seconds: float) -> list[events.Event]:
    """Return the events of a step that was saved; with the last one the thought is completed after `seconds`."""
    agent_completed = events.agent_completed(
        claim.user_id, step.thought_id, step.number, agent_name=step.agent, total=CATALOGUE.total
    )
    if not step.is_last:
        return [agent_completed]
    return [agent_completed, events.thought_completed(claim.user_id, step.thought_id, seconds)]
