"""Defines agent 3, value impact: how much the thought affects five values, weighted by its author's ranking."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from agents.agent import Agent
from agents.evidence import EvidenceList
from agents.fields import NOT_ASSESSED, Confidence, Part, Phrase, Phrases, Score, Sentence
from agents.interface import AgentInput
from agents.output import AgentOutput
from agents.profile import phrases

Unassessed = Mapping[tuple[str, ...], Mapping[str, Any]]

DIMENSIONS = ("economic", "relational", "legacy", "health", "growth")


_WITHOUT_SCORE: Mapping[str, Any] = {"score": None, "reasoning": NOT_ASSESSED, "confidence": 0.0}


class Value(Part):
    """One of the five values. When `score` is null, the value was not assessed and `confidence` is 0.

    A value becomes not assessed when it has evidence and none of its quotes is in its source.
    """

    score: Score | None
    reasoning: Sentence
    evidence: EvidenceList = Field(default_factory=list)
    confidence: Confidence

    supported_by: ClassVar[Unassessed] = {("evidence",): _WITHOUT_SCORE}

    @model_validator(mode="after")
    def _require_no_confidence_without_score(self) -> Self:
        if self.score is None and self.confidence != 0:
            raise ValueError("a value without a score must have confidence 0")
        return self


class EconomicValue(Value):
    timeframe: Phrase

    supported_by: ClassVar[Unassessed] = {("evidence",): {**_WITHOUT_SCORE, "timeframe": NOT_ASSESSED}}


class RelationalValue(Value):
    affected_relationships: Phrases

    supported_by: ClassVar[Unassessed] = {("evidence",): {**_WITHOUT_SCORE, "affected_relationships": []}}


class LegacyValue(Value):
    long_term_impact: Sentence

    supported_by: ClassVar[Unassessed] = {("evidence",): {**_WITHOUT_SCORE, "long_term_impact": NOT_ASSESSED}}


class HealthValue(Value):
    physical_mental: Literal["physical", "mental", "both"] | None

    supported_by: ClassVar[Unassessed] = {("evidence",): {**_WITHOUT_SCORE, "physical_mental": None}}


class GrowthValue(Value):
    learning_areas: Phrases

    supported_by: ClassVar[Unassessed] = {("evidence",): {**_WITHOUT_SCORE, "learning_areas": []}}


class ValueImpact(AgentOutput):
    """`weighted_total` is always computed here; a provider's answer for it is overwritten."""

    economic_value: EconomicValue
    relational_value: RelationalValue
    legacy_value: LegacyValue
    health_value: HealthValue
    growth_value: GrowthValue
    weighted_total: float | None = Field(default=None, ge=0, le=10)
    overall_assessment: Sentence

    @property
    def values(self) -> Mapping[str, Value]:
        """The five values, by dimension."""
        return {name: getattr(self, f"{name}_value") for name in DIMENSIONS}

    def with_computed_fields(self, agent_input: AgentInput) -> Self:
        scores = {name: value.score for name, value in self.values.items()}
        total = weighted_total(scores, phrases(agent_input.profile, "values_ranking"))
        return self.model_copy(update={"weighted_total": total})


def weighted_total(scores: Mapping[str, int | None], ranking: Sequence[str]) -> float | None:
    """Return the mean of the assessed scores, weighted by the user's ranking: 0 to 10 with one decimal.

    Returns None when no value was assessed.
    """
    weights = _weights(ranking)
    assessed = {name: score for name, score in scores.items() if score is not None}
    if not assessed:
        return None
    weighted = sum(weights[name] * score for name, score in assessed.items())
    return round(weighted / sum(weights[name] for name in assessed), 1)


def _weights(ranking: Sequence[str]) -> Mapping[str, int]:
    """Return the weight of each dimension: 2 for the last one of the ranking, one more for each one above it, else 1.

    The first entry that contains a dimension's name ranks it: "personal growth" ranks growth.
    """
    weights = dict.fromkeys(DIMENSIONS, 1)
    for weight, wording in enumerate(reversed(ranking), start=2):
        weights.update({name: weight for name in DIMENSIONS if name in wording.lower()})
    return weights


INSTRUCTIONS: Final = """\
Judge how much acting on the thought would affect five things that people value.

- For each value: score from 0 (no effect) to 10 (decides a part of the author's life), whether the effect is good or
  bad; most everyday thoughts score 1 to 5. reasoning says what the effect is, and whether it is good. Put the words of
  the thought or the profile on which the score rests into evidence.
- A value that the data does not touch is not assessed: score null, confidence 0, reasoning "Not assessed.", evidence
  empty, and the field beside it null, an empty list or "Not assessed.".
- economic: money, work, property; timeframe says when it shows. relational: people; affected_relationships names only
  people or roles that the data names. legacy: what remains after years; long_term_impact. health: body and mind;
  physical_mental. growth: learning and character; learning_areas.
- weighted_total: always null, because it is computed from your scores.
- overall_assessment: what matters most here, in one or two sentences."""

VALUE_IMPACT: Final = Agent(
    name="value_impact",
    title="Value impact",
    question="What does it mean for what you value?",
    summary="what it means for what you value",
    output=ValueImpact,
    labels={"physical_mental": "Touches"},
    lead="overall_assessment",
    reads_profile=True,
    profile_fields=("values_ranking", "language"),
    reads_results=("classification", "analysis"),
    instructions=INSTRUCTIONS,
)
