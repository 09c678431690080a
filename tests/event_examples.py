"""Events as tests need them, with what the catalogue says filled in."""

from uuid import UUID

from agents.catalogue import CATALOGUE
from contracts import events


def agent_completed(user_id: UUID, thought_id: UUID, step: int) -> events.ThoughtAgentCompleted:
    """The event of a saved step, counted from 1."""
    return events.agent_completed(
        user_id, thought_id, step, agent_name=CATALOGUE.at_step(step).name, total=CATALOGUE.total
    )
