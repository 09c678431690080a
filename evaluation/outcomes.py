"""Holds what a provider answered for one labelled note."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from agents.classification import Classification
from agents.interface import AgentInput, AgentResult
from agents.priority import Priority
from agents.priority_floor import PriorityLevel
from notes.reader import Note, Voice

FIELDS: Final[Mapping[str, str]] = {"type": "type", "urgency": "urgency", "tone": "emotional_tone"}
"""Label of a note -> field of the classification."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A note of a voice, the input of its agents, and their results by agent name."""

    voice: Voice
    note: Note
    agent_input: AgentInput
    results: Mapping[str, AgentResult]
    seconds: float
    """How long all of the agents together took."""

    @property
    def classification(self) -> Classification:
        return cast(Classification, self.results["classification"].output)

    @property
    def priority_level(self) -> PriorityLevel:
        return cast(Priority, self.results["priority"].output).priority_level

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost of all calls, or None when that of a call is unknown."""
        costs = [result.cost_usd for result in self.results.values()]
        return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))

    @property
    def dropped_claims(self) -> int:
        """How many claims were left out because their quotes were not in their sources."""
        return sum(result.dropped_claims for result in self.results.values())

    def outputs(self) -> dict[str, Any]:
        """Return the outputs as JSON, by agent name."""
        return {name: result.output.model_dump(mode="json") for name, result in self.results.items()}


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """A label, and what the classification answered."""

    label: str
    answer: str
    is_assessed: bool
    """False when the answer is only the closest guess."""
    confidence: float | None
    """From 0 to 1; None when the provider gives none."""


def field_answer(outcome: Outcome, field: str) -> FieldAnswer:
    """Return the label and the answer of "type", "urgency" or "tone"."""
    name, classification = FIELDS[field], outcome.classification
    # A classification of a former version has no confidence.
    confidences: Mapping[str, float] = getattr(classification, "confidence", {})
    return FieldAnswer(
        label=getattr(outcome.note, field),
        answer=getattr(classification, name),
        is_assessed=name not in classification.not_assessed,
        confidence=confidences.get(name),
    )


def quotes(value: Any) -> Iterator[tuple[str, str]]:
    """Yield source and quote of every claim and every piece of evidence in an output, given as JSON."""
    if isinstance(value, list):
        for item in value:
            yield from quotes(item)
    if isinstance(value, Mapping):
        if isinstance(value.get("source"), str) and isinstance(value.get("quote"), str):
            yield value["source"], value["quote"]
        for item in value.values():
            yield from quotes(item)
