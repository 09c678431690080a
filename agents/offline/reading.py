"""Holds what the rules of all agents need to know about one thought."""

from dataclasses import dataclass
from functools import cached_property

from agents.classification import Classification
from agents.dates import call_day, writing_day
from agents.fields import replace_unstorable
from agents.interface import AgentInput
from agents.offline.classification import classify
from agents.offline.english import is_english
from agents.output import previous_output


@dataclass(frozen=True)
class Reading:
    """One thought as the rules read it."""

    agent_input: AgentInput

    @cached_property
    def text(self) -> str:
        """The cleaned text of the thought. All quotes are substrings of it."""
        return replace_unstorable(self.agent_input.text)

    @cached_property
    def is_english(self) -> bool:
        return is_english(self.text)

    @cached_property
    def classification(self) -> Classification:
        """The stored output of agent 1, or a new classification by the rules when it is missing."""
        stored = previous_output(Classification, "classification", self.agent_input)
        return stored or self.classify()

    def classify(self) -> Classification:
        """Return the classification by the rules."""
        return classify(self.text, writing_day(self.agent_input), call_day(self.agent_input))
