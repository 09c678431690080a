"""Defines a row of the catalogue. Each agent's own file makes its row; tasks, pages and JSON are derived from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.output import AgentOutput


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: its name, its output model, its input and how the page presents its result."""

    name: str
    """The name in messages, rows and JSON, in lower case with underscores. It never changes, because stored results
    carry it."""
    title: str
    question: str
    """The question that the result answers, shown to the reader of the page."""
    summary: str
    """What the agent finds out, as a clause, for a visitor who has not written a thought yet."""
    output: type[AgentOutput]
    """The pydantic model that every result must satisfy."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Field name -> label, for fields whose name with spaces is not a good label."""
    lead: str = ""
    """The field that the page shows first."""
    reads_earlier_thoughts: bool = False
    """Whether its input includes the author's latest completed thoughts."""
    reads_profile: bool = False
    """Whether its input includes the author's profile."""
    instructions: str = ""
    """What a model is told to do, in a few sentences. The schema of `output` and the rules for all agents are added."""
    prompt_version: str = "1"
    """Incremented with every change of `instructions` or `output`, because it is stored with each result."""
    gives_conclusion: bool = False
    """Whether the page shows its `priority_level` and `final_recommendation` above everything else."""
