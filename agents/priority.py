"""Agent 5, priority: when the thought deserves its author's time."""

from typing import Final, Literal, Self, get_args

from agents.agent import Agent
from agents.classification import Classification, Urgency
from agents.interface import AgentInput
from agents.output import AgentOutput, Confidence, Part, Phrase, Phrases, Sentence, previous_output
from agents.value_impact import ValueImpact

PriorityLevel = Literal["Critical", "High", "Medium", "Low", "Defer"]
LEVELS: tuple[PriorityLevel, ...] = get_args(PriorityLevel)
"""From the highest to the lowest."""

IMPORTANT = 7.0
"""From this weighted total on, a thought counts as important in Eisenhower's sense."""


class Timeline(Part):
    start: Phrase
    duration: Phrase
    checkpoints: Phrases


class Priority(AgentOutput):
    """`priority_level` never lies under the floor, whatever a provider claims."""

    priority_level: PriorityLevel
    urgency_reasoning: Sentence
    strategic_fit: Sentence
    momentum_impact: Sentence
    recommended_timeline: Timeline
    dependencies: Phrases
    risk_assessment: Sentence
    confidence: Confidence
    final_recommendation: Sentence

    def with_computed_fields(self, given: AgentInput) -> Self:
        classification = previous_output(Classification, "classification", given)
        if classification is None:
            return self
        least = floor(classification.urgency, is_important(given))
        return self.model_copy(update={"priority_level": higher(self.priority_level, least)})


def is_important(given: AgentInput) -> bool:
    """Whether the value impact found enough weight; what was not assessed is not important."""
    impact = previous_output(ValueImpact, "value_impact", given)
    return impact is not None and (impact.weighted_total or 0) >= IMPORTANT


def floor(urgency: Urgency, important: bool) -> PriorityLevel:
    """The lowest level allowed: what cannot wait is never deferred, however dull it seems."""
    if urgency == "immediate":
        return "High" if important else "Medium"
    if urgency == "soon":
        return "Medium" if important else "Low"
    return "Defer"


def higher(one: PriorityLevel, other: PriorityLevel) -> PriorityLevel:
    """The higher of two levels."""
    return min(one, other, key=LEVELS.index)


PRIORITY: Final = Agent(
    name="priority",
    title="Priority",
    question="When does it deserve your time?",
    summary="when it deserves your time",
    output=Priority,
    lead="final_recommendation",
    gives_verdict=True,
)
