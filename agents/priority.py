"""Defines agent 5, priority: when the thought deserves its author's time."""

from typing import Final, Literal, Self, get_args

from agents.agent import Agent
from agents.classification import Classification, Urgency
from agents.interface import AgentInput
from agents.output import AgentOutput, Confidence, Part, Phrase, Phrases, Sentence, previous_output
from agents.value_impact import ValueImpact

PriorityLevel = Literal["Critical", "High", "Medium", "Low", "Defer"]
LEVELS: tuple[PriorityLevel, ...] = get_args(PriorityLevel)
"""From the highest to the lowest."""

IMPORTANCE_THRESHOLD = 7.0
"""The lowest weighted total with which a thought is important, as in an Eisenhower matrix."""


class Timeline(Part):
    start: Phrase
    duration: Phrase
    checkpoints: Phrases


class Priority(AgentOutput):
    """`priority_level` is raised to `priority_floor` when a provider answers with a lower level."""

    priority_level: PriorityLevel
    urgency_reasoning: Sentence
    strategic_fit: Sentence
    momentum_impact: Sentence
    recommended_timeline: Timeline
    dependencies: Phrases
    risk_assessment: Sentence
    confidence: Confidence
    final_recommendation: Sentence

    def with_computed_fields(self, agent_input: AgentInput) -> Self:
        classification = previous_output(Classification, "classification", agent_input)
        if classification is None:
            return self
        lowest = priority_floor(classification.urgency, is_important(agent_input))
        return self.model_copy(update={"priority_level": higher(self.priority_level, lowest)})


def is_important(agent_input: AgentInput) -> bool:
    """Return whether the weighted total reaches the threshold; a thought that was not assessed is not important."""
    impact = previous_output(ValueImpact, "value_impact", agent_input)
    return impact is not None and (impact.weighted_total or 0) >= IMPORTANCE_THRESHOLD


def priority_floor(urgency: Urgency, important: bool) -> PriorityLevel:
    """Return the lowest level that a thought may have, so that an urgent thought is never deferred."""
    if urgency == "immediate":
        return "High" if important else "Medium"
    if urgency == "soon":
        return "Medium" if important else "Low"
    return "Defer"


def higher(first: PriorityLevel, second: PriorityLevel) -> PriorityLevel:
    """Return the higher of two levels."""
    return min(first, second, key=LEVELS.index)


PRIORITY: Final = Agent(
    name="priority",
    title="Priority",
    question="When does it deserve your time?",
    summary="when it deserves your time",
    output=Priority,
    lead="final_recommendation",
    gives_conclusion=True,
)
