"""Makes events for tests, with the agent's name and the number of agents from the catalogue."""

from uuid import UUID

from agents.catalogue import CATALOGUE
from contracts import events


def agent_completed(user_id: UUID, thought_id: UUID, step: int) -> events.ThoughtAgentCompleted:
    """Return the event of a saved step, counted from 1."""
    return events.agent_completed(
        user_id, thought_id, step, agent_name=CATALOGUE.at_step(step).name, total=CATALOGUE.total
    )


def partial_text(
    user_id: UUID, thought_id: UUID, step: int, text: str = "It fits your goals"
) -> events.ThoughtAgentProgress:
    """Return what the agent of a step has written so far."""
    return events.ThoughtAgentProgress(
        user_id=user_id,
        thought_id=thought_id,
        agent_name=CATALOGUE.at_step(step).name,
        agent_number=step,
        text=text,
    )
