"""Holds what the rules of all agents need to know about one thought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from agents.classification import Classification, ResolvedDate, ThoughtType
from agents.dates import call_day, writing_day
from agents.fields import replace_unstorable
from agents.interface import AgentInput
from agents.offline.actions import Found, find_actions
from agents.offline.classification import classify
from agents.output import previous_output
from agents.profile import time_zone_name


@dataclass(frozen=True)
class Reading:
    """One thought as the rules read it."""

    agent_input: AgentInput

    @cached_property
    def text(self) -> str:
        """The cleaned text of the thought. All quotes are substrings of it."""
        return replace_unstorable(self.agent_input.text)

    @cached_property
    def today(self) -> date:
        """The day of the call, in the author's time zone."""
        return call_day(self.agent_input)

    @cached_property
    def classification(self) -> Classification:
        """The stored output of agent 1, or a new classification by the rules when it is missing."""
        stored = previous_output(Classification, "classification", self.agent_input)
        return stored or self.classify()

    def classify(self) -> Classification:
        """Return the classification by the rules."""
        classified = classify(
            self.text, writing_day(self.agent_input), self.today, time_zone_name(self.agent_input.profile)
        )
        return classified.with_computed_fields(self.agent_input)

    @cached_property
    def kind(self) -> ThoughtType | None:
        """The type of the thought, or None when it was not assessed."""
        return None if "type" in self.classification.not_assessed else self.classification.type

    @cached_property
    def knows_urgency(self) -> bool:
        return "urgency" not in self.classification.not_assessed

    @cached_property
    def coming_dates(self) -> Sequence[ResolvedDate]:
        """The dates of the thought that were not past when it was written."""
        written_on = writing_day(self.agent_input)
        return [named for named in self.classification.resolved_dates if named.day >= written_on]

    @cached_property
    def found(self) -> Found:
        """What the thought says is to be done: nothing when there is nothing to act on."""
        if self.knows_urgency and self.classification.urgency == "never":
            return Found((), ())
        return find_actions(self.text, self.kind, self.coming_dates)
