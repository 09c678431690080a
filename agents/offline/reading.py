"""Holds what the rules of all agents need to know about one thought."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from agents.classification import Classification
from agents.interface import AgentInput
from agents.offline.classification import classify
from agents.offline.english import is_english
from agents.output import previous_output, replace_unstorable


@dataclass(frozen=True)
class Reading:
    """One thought as the rules read it. `today` is a parameter, so that the same input gives the same result."""

    agent_input: AgentInput
    today: date

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
        return previous_output(Classification, "classification", self.agent_input) or classify(self.text, self.today)
