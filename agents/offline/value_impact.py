"""Offline value impact: a value is assessed only where the thought has words for it, and then with low confidence.

The score says how far the thought touches the value, not whether it does it good: 5 for one word, one more for each
further word, 7 at most.
"""

import re
from dataclasses import dataclass
from typing import Literal

from agents.offline import vocabulary
from agents.offline.english import any_of, distinct, quoted
from agents.offline.reading import Reading
from agents.output import NOT_ASSESSED
from agents.value_impact import EconomicValue, GrowthValue, HealthValue, LegacyValue, RelationalValue, ValueImpact

_CUES = {name: any_of(cues) for name, cues in vocabulary.VALUES.items()}
_BODY = any_of(vocabulary.BODY)
_MIND = any_of(vocabulary.MIND)

_FIRST_SCORE, _HIGHEST_SCORE, _MOST_CUES = 5, 7, 5
_CONFIDENCE = 0.2


@dataclass(frozen=True)
class _Touch:
    """How far the thought touches one value, and by which of its words."""

    cues: list[str]

    @property
    def score(self) -> int | None:
        return min(_FIRST_SCORE + len(self.cues) - 1, _HIGHEST_SCORE) if self.cues else None

    @property
    def confidence(self) -> float:
        return _CONFIDENCE if self.cues else 0.0

    @property
    def reasoning(self) -> str:
        if not self.cues:
            return NOT_ASSESSED
        return f"The thought says {quoted(self.cues)}. That counts as touching this value, by words alone."


def weigh(reading: Reading) -> ValueImpact:
    """The five values; `weighted_total` is filled in when the output is settled."""
    found = {name: _touch(pattern, reading) for name, pattern in _CUES.items()}
    topics = reading.classification.entities.topics if found["growth"].cues else []
    return ValueImpact(
        economic_value=EconomicValue(**_shared(found["economic"]), timeframe=NOT_ASSESSED),
        relational_value=RelationalValue(
            **_shared(found["relational"]), affected_relationships=reading.classification.entities.people
        ),
        legacy_value=LegacyValue(**_shared(found["legacy"]), long_term_impact=NOT_ASSESSED),
        health_value=HealthValue(**_shared(found["health"]), physical_mental=_body_or_mind(found["health"])),
        growth_value=GrowthValue(**_shared(found["growth"]), learning_areas=topics),
        overall_assessment=_overall([name for name, touch in found.items() if touch.cues]),
    )


def _touch(pattern: re.Pattern[str], reading: Reading) -> _Touch:
    found = pattern.findall(reading.text) if reading.is_english else []
    return _Touch(distinct(found, _MOST_CUES))


def _shared(touch: _Touch) -> dict[str, object]:
    return {"score": touch.score, "reasoning": touch.reasoning, "confidence": touch.confidence}


def _body_or_mind(touch: _Touch) -> Literal["physical", "mental", "both"] | None:
    words = " ".join(touch.cues)
    body, mind = _BODY.search(words), _MIND.search(words)
    if body and mind:
        return "both"
    return "physical" if body else "mental" if mind else None


def _overall(touched: list[str]) -> str:
    if not touched:
        return "Not assessed: the thought has no words that the offline rules can tie to a value."
    return f"Values that its words touch: {', '.join(touched)}. The others were not assessed."
