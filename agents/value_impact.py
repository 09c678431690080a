"""Agent 3, value impact: how far the thought touches five values, and what that weighs for its author."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from agents.agent import Agent
from agents.interface import AgentInput
from agents.output import AgentOutput, Confidence, Part, Phrase, Phrases, Score, Sentence
from agents.profile import phrases

DIMENSIONS = ("economic", "relational", "legacy", "health", "growth")


class Value(Part):
    """`score` null means that the value was not assessed; its confidence is then 0."""

    score: Score | None
    reasoning: Sentence
    confidence: Confidence

    @model_validator(mode="after")
    def _nothing_assessed_is_sure_of_nothing(self) -> Self:
        if self.score is None and self.confidence != 0:
            raise ValueError("a value without a score has confidence 0")
        return self


class EconomicValue(Value):
    timeframe: Phrase


class RelationalValue(Value):
    affected_relationships: Phrases


class LegacyValue(Value):
    long_term_impact: Sentence


class HealthValue(Value):
    physical_mental: Literal["physical", "mental", "both"] | None


class GrowthValue(Value):
    learning_areas: Phrases


class ValueImpact(AgentOutput):
    """`weighted_total` is always computed here; what a provider claims for it is overwritten."""

    economic_value: EconomicValue
    relational_value: RelationalValue
    legacy_value: LegacyValue
    health_value: HealthValue
    growth_value: GrowthValue
    weighted_total: float | None = Field(default=None, ge=0, le=10)
    overall_assessment: Sentence

    @property
    def values(self) -> Mapping[str, Value]:
        """The five values by the names of their dimensions."""
        return {name: getattr(self, f"{name}_value") for name in DIMENSIONS}

    def with_computed_fields(self, given: AgentInput) -> Self:
        scores = {name: value.score for name, value in self.values.items()}
        total = weighted_total(scores, phrases(given.profile, "values_ranking"))
        return self.model_copy(update={"weighted_total": total})


def weighted_total(scores: Mapping[str, int | None], ranking: Sequence[str]) -> float | None:
    """The mean of the assessed scores, 0 to 10 with one decimal, by the user's ranking; None when none is assessed."""
    weights = _weights(ranking)
    assessed = {name: score for name, score in scores.items() if score is not None}
    if not assessed:
        return None
    weighted = sum(weights[name] * score for name, score in assessed.items())
    return round(weighted / sum(weights[name] for name in assessed), 1)


def _weights(ranking: Sequence[str]) -> Mapping[str, int]:
    """The last ranked value weighs 2, each before it one more, a value that is not ranked 1.

    A value is ranked where its dimension is first named: "personal growth" ranks growth.
    """
    weights = dict.fromkeys(DIMENSIONS, 1)
    for weight, wording in enumerate(reversed(ranking), start=2):
        weights.update({name: weight for name in DIMENSIONS if name in wording.lower()})
    return weights


VALUE_IMPACT: Final = Agent(
    name="value_impact",
    title="Value impact",
    question="What does it mean for what you value?",
    summary="what it means for what you value",
    output=ValueImpact,
    labels={"physical_mental": "Touches"},
    lead="overall_assessment",
)
