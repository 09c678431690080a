"""The five agents in the order in which they work, each with the output that it promises."""

from collections.abc import Mapping
from typing import Final

from agents.action_plan import ActionPlan
from agents.analysis import Analysis
from agents.classification import Classification
from agents.errors import PermanentError
from agents.output import AgentOutput
from agents.priority import Priority
from agents.value_impact import ValueImpact

AGENTS: Final[Mapping[str, type[AgentOutput]]] = {
    "classification": Classification,
    "analysis": Analysis,
    "value_impact": ValueImpact,
    "action_plan": ActionPlan,
    "priority": Priority,
}

AGENT_NAMES: Final = tuple(AGENTS)


def output_model(agent_name: str) -> type[AgentOutput]:
    """The output model of an agent. Raises PermanentError for a name that is not in the catalogue."""
    if agent_name not in AGENTS:
        raise PermanentError(f"there is no agent {agent_name!r}; the agents are {', '.join(AGENT_NAMES)}")
    return AGENTS[agent_name]
