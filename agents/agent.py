"""Defines a row of the catalogue. Each agent's own file makes its row; tasks, pages and JSON are derived from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.output import AgentOutput
from agents.profile import PROFILE_FIELDS


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
    """Whether its input includes the author's most similar earlier thoughts."""
    reads_profile: bool = False
    """Whether its input includes the author's profile."""
    profile_fields: tuple[str, ...] = PROFILE_FIELDS
    """The fields of the profile that it reads, if it reads the profile."""
    reads_results: tuple[str, ...] = ()
    """The names of the earlier agents whose results it reads."""
    instructions: str = ""
    """What a model is told to do: what to find out, and how to fill each field. The rules for all agents, which
    `agents.prompt` has, and the schema of `output` are added."""
    prompt_version: str = "2"
    """Incremented with every change of `instructions` or `output`, because it is stored with each result. A change of
    `agents.prompt.RULES` increments all of them, by this default."""
    gives_conclusion: bool = False
    """Whether the page shows its `priority_level` and `final_recommendation` above everything else."""
