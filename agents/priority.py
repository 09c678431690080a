"""Defines agent 5, priority: when the thought deserves its author's time."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from agents.agent import Agent
from agents.classification import Urgency
from agents.dates import call_day, named_dates
from agents.evidence import EvidenceList
from agents.fields import NOT_ASSESSED, Confidence, Part, Phrase, Phrases, Sentence
from agents.interface import AgentInput
from agents.output import AgentOutput
from agents.priority_floor import Floor, PriorityLevel, higher, lowest_level

_STARTS: Mapping[Urgency, str] = {"immediate": "today", "soon": "in the next days"}
_ADVICE: Mapping[Urgency, str] = {
    "immediate": "It is due: do it today, or decide today what happens without it.",
    "soon": "It is due soon: give it a fixed place in the next days.",
}
"""What replaces an answer that lets an urgent thought wait."""
_UNASSESSED_ADVICE: Final = "How urgent it is was not assessed: look at it yourself, and decide when it is due."
_UNASSESSED_REASONING: Final = "Not assessed: how urgent it is could not be judged, so it is at least Medium."

_CAN_WAIT = re.compile(
    r"\b(?:(?:can|could|may) (?:safely |easily |well )?wait|(?:no|not in a) (?:rush|hurry)|(?:not|isn['\u2019]t) urgent"
    r"|whenever|when it suits|some ?day|(?:can|could) be (?:deferred|postponed)|(?:defer|postpone) (?:it|this))\b",
    re.IGNORECASE,
)
"""English wordings only: in other languages only the level and the dates of an answer are checked."""


class Timeline(Part):
    start: Phrase
    duration: Phrase
    checkpoints: Phrases


class Priority(AgentOutput):
    """`priority_level` is raised to the floor when a provider answers with a lower level.

    The texts that follow from the level are then replaced, so that none says of an urgent thought that it can wait.
    """

    priority_level: PriorityLevel
    urgency_reasoning: Sentence
    urgency_evidence: EvidenceList = Field(default_factory=list)
    strategic_fit: Sentence
    momentum_impact: Sentence
    recommended_timeline: Timeline
    dependencies: Phrases
    risk_assessment: Sentence
    confidence: Confidence
    final_recommendation: Sentence

    supported_by: ClassVar[Mapping[tuple[str, ...], Mapping[str, Any]]] = {
        ("urgency_evidence",): {"urgency_reasoning": NOT_ASSESSED}
    }

    def with_computed_fields(self, agent_input: AgentInput) -> Self:
        floor = lowest_level(agent_input)
        raised = higher(self.priority_level, floor.level)
        changes: dict[str, Any] = {}
        if raised != self.priority_level:
            reasoning = f"Raised from {self.priority_level} to {raised}: {floor.reason}."
            changes = {"priority_level": raised, "urgency_reasoning": reasoning}
        if not floor.is_assessed:
            return self.model_copy(update={**changes, **self._unassessed(agent_input, floor)})
        if floor.urgency in _ADVICE and (changes or self._lets_wait(floor, call_day(agent_input))):
            start = self.recommended_timeline.model_copy(update={"start": _STARTS[floor.urgency]})
            reasoning = changes.get("urgency_reasoning", f"It cannot wait long: {floor.reason}.")
            changes |= {
                "urgency_reasoning": reasoning,
                "recommended_timeline": start,
                "final_recommendation": _ADVICE[floor.urgency],
            }
        return self.model_copy(update=changes)

    def _unassessed(self, agent_input: AgentInput, floor: Floor) -> Mapping[str, Any]:
        """Return the texts of a thought whose urgency was not assessed: they say so, and never that it can wait."""
        changes: dict[str, Any] = {}
        if "not assessed" not in self.urgency_reasoning.lower():
            changes["urgency_reasoning"] = _UNASSESSED_REASONING
        if self._lets_wait(floor, call_day(agent_input)):
            start = self.recommended_timeline.model_copy(update={"start": NOT_ASSESSED})
            changes |= {"recommended_timeline": start, "final_recommendation": _UNASSESSED_ADVICE}
        return changes

    def _lets_wait(self, floor: Floor, day: date) -> bool:
        """Return whether the answer says that the thought can wait, or starts it after the day on which it is due."""
        start = self.recommended_timeline.start
        starts = [named.day for named in named_dates(start, day, day) if named.day]
        latest = max(floor.due or day, day) if floor.urgency == "immediate" or floor.due else date.max
        says_so = _CAN_WAIT.search(f"{self.final_recommendation} {start}") is not None
        return says_so or any(named > latest for named in starts)

    @classmethod
    def known_facts(cls, agent_input: AgentInput) -> Mapping[str, Any]:
        floor = lowest_level(agent_input)
        return {"lowest_priority_level": floor.level, "because": floor.reason}


INSTRUCTIONS: Final = """\
Say when the thought deserves its author's time, from its urgency, its value and the plan.

- priority_level: Critical (drop other things), High (within days), Medium (give it a place in the next weeks), Low (in
  a free moment), Defer (not now). It is never below `lowest_priority_level` of the facts. Most are Medium or Low.
- urgency_reasoning: why now or why not, with the days of the facts. Put the words that it rests on into
  urgency_evidence. When an earlier thought says the same again, say since when, and quote it.
- strategic_fit: how it fits what the author values. momentum_impact: what beginning it would make easier.
- recommended_timeline: start and duration in words, not later than the days in the facts allow; checkpoints, at most
  three. dependencies: what must happen first, from the plan. risk_assessment: what happens if it is left.
- confidence: low when the thought is short or ambiguous.
- final_recommendation: one or two sentences that the author reads first, and that agree with the level. Something that
  is due is never told that it can wait."""

PRIORITY: Final = Agent(
    name="priority",
    title="Priority",
    question="When does it deserve your time?",
    summary="when it deserves your time",
    output=Priority,
    lead="final_recommendation",
    gives_conclusion=True,
    reads_earlier_thoughts=True,
    reads_profile=True,
    profile_fields=("current_challenges", "language"),
    reads_results=("value_impact", "action_plan"),
    instructions=INSTRUCTIONS,
)
