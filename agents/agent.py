"""What the catalogue knows of an agent. Each agent's own file fills it in; everything else follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.output import AgentOutput


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent: its place in the system, and how the page presents it."""

    name: str
    """In messages, rows and JSON: lower case and underscores. Never changed, because stored results carry it."""
    title: str
    question: str
    """Which question its result answers, for the reader of the page."""
    summary: str
    """What it finds, as a clause, for somebody who has not written a thought yet."""
    output: type[AgentOutput]
    """The model that every result must satisfy."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Field name -> label, where the name with spaces would read badly."""
    lead: str = ""
    """The field that the page shows first."""
    reads_earlier_thoughts: bool = False
    """Whether its input has the author's latest completed thoughts."""
    gives_verdict: bool = False
    """Whether the page shows its `priority_level` and `final_recommendation` above everything else."""
