"""A sixth agent, added as a developer would: one file with its catalogue row, which is appended to the catalogue."""

from typing import Final

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.fields import Phrase, Phrases
from agents.output import AgentOutput

STARTUP: Final = "from tests.flow.sixth_agent import append\nappend()\n"
"""Content of a sitecustomize.py, with which every Python process of the test has the agent in its catalogue."""


class Outlook(AgentOutput):
    expected_change: Phrase
    signs_to_watch: Phrases


OUTLOOK: Final = Agent(
    name="outlook",
    title="Outlook",
    question="What will it look like in a year?",
    summary="what it may look like in a year",
    output=Outlook,
    labels={"signs_to_watch": "Watch for"},
    lead="expected_change",
    instructions="Say what probably changes within a year (expected_change), and by which signs_to_watch.",
    reads_results=("analysis",),
)


def append() -> None:
    """Append the agent to this process's catalogue."""
    CATALOGUE.agents = (*CATALOGUE.agents, OUTLOOK)
