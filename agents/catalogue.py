"""Lists all agents in the order in which they work. To add an agent, write its file, append its row here, and
add its offline rule to `agents.offline.provider._RULES`.

Step n of a thought, counted from 1, is the n-th agent. Open thoughts store how many steps are saved, so append a new
agent at the end, or insert it only while no thought is open.
"""

from typing import Final

from agents.action_plan import ACTION_PLAN
from agents.agent import Agent
from agents.analysis import ANALYSIS
from agents.classification import CLASSIFICATION
from agents.errors import PermanentError
from agents.priority import PRIORITY
from agents.value_impact import VALUE_IMPACT


class Catalogue:
    """The agents by step and by name."""

    first_total: Final = 5
    """The number of agents in the first release: thoughts that were completed then have that many results."""

    def __init__(self, *agents: Agent) -> None:
        self.agents = agents

    @property
    def total(self) -> int:
        """The number of agents, which is also the number of the last step."""
        return len(self.agents)

    @property
    def names(self) -> tuple[str, ...]:
        """The agents' names, in the order of the steps."""
        return tuple(agent.name for agent in self.agents)

    @property
    def concluding_name(self) -> str:
        """The name of the agent that gives the conclusion, or "" when none does."""
        return next((agent.name for agent in self.agents if agent.gives_conclusion), "")

    def at_step(self, step: int) -> Agent:
        """Return the agent of a step, counted from 1. Raises IndexError when there is no such step."""
        if step < 1:
            raise IndexError(f"there is no step {step}")
        return self.agents[step - 1]

    def find(self, name: str) -> Agent | None:
        """Return the agent with this name, or None."""
        return next((agent for agent in self.agents if agent.name == name), None)

    def named(self, name: str) -> Agent:
        """Return the agent with this name. Raises PermanentError when there is none."""
        agent = self.find(name)
        if agent is None:
            raise PermanentError(f"there is no agent {name!r}; the agents are {', '.join(self.names)}")
        return agent


CATALOGUE: Final = Catalogue(CLASSIFICATION, ANALYSIS, VALUE_IMPACT, ACTION_PLAN, PRIORITY)
