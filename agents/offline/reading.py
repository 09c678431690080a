"""One thought as the rules of all five agents see it."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from agents.classification import Classification
from agents.interface import AgentInput
from agents.offline.classification import classify
from agents.offline.english import is_english
from agents.output import clean, previous_output


@dataclass(frozen=True)
class Reading:
    """`today` is handed in, so that the same input gives the same result."""

    given: AgentInput
    today: date

    @cached_property
    def text(self) -> str:
        """The thought, cleaned; quotes are substrings of this."""
        return clean(self.given.text)

    @cached_property
    def is_english(self) -> bool:
        return is_english(self.text)

    @cached_property
    def classification(self) -> Classification:
        """What agent 1 returned, or the rules' own reading where that is missing."""
        return previous_output(Classification, "classification", self.given) or classify(self.text, self.today)
