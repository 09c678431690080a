"""Assesses a value only when the thought contains cue words for it, and then with low confidence.

The score says how much the thought concerns the value, not whether it is good for it: 5 for one cue word, one more for
each further cue word, at most 7.
"""

import re
from dataclasses import dataclass
from typing import Literal

from agents.evidence import Evidence
from agents.fields import NOT_ASSESSED
from agents.offline import vocabulary
from agents.offline.english import distinct, whole_word_pattern
from agents.offline.reading import Reading
from agents.value_impact import EconomicValue, GrowthValue, HealthValue, LegacyValue, RelationalValue, ValueImpact

_CUES = {name: whole_word_pattern(cues) for name, cues in vocabulary.VALUES.items()}
_BODY = whole_word_pattern(vocabulary.BODY)
_MIND = whole_word_pattern(vocabulary.MIND)

_FIRST_SCORE, _MAX_SCORE, _MAX_CUES = 5, 7, 5
_CONFIDENCE = 0.2


@dataclass(frozen=True)
class _Mention:
    """The cue words of one value in the thought, and the score that follows from them."""

    cues: list[str]

    @property
    def score(self) -> int | None:
        return min(_FIRST_SCORE + len(self.cues) - 1, _MAX_SCORE) if self.cues else None

    @property
    def confidence(self) -> float:
        return _CONFIDENCE if self.cues else 0.0

    @property
    def reasoning(self) -> str:
        if not self.cues:
            return NOT_ASSESSED
        return "The thought mentions it. The score is based on the quoted words alone."

    @property
    def evidence(self) -> list[Evidence]:
        return [Evidence(source="thought", quote=cue) for cue in self.cues]


def weigh(reading: Reading) -> ValueImpact:
    """Return the five values. `with_computed_fields` computes `weighted_total` later."""
    mentions = {name: _find_mention(pattern, reading) for name, pattern in _CUES.items()}
    topics = reading.classification.entities.topics if mentions["growth"].cues else []
    return ValueImpact(
        economic_value=EconomicValue(**_common_fields(mentions["economic"]), timeframe=NOT_ASSESSED),
        relational_value=RelationalValue(
            **_common_fields(mentions["relational"]), affected_relationships=reading.classification.entities.people
        ),
        legacy_value=LegacyValue(**_common_fields(mentions["legacy"]), long_term_impact=NOT_ASSESSED),
        health_value=HealthValue(
            **_common_fields(mentions["health"]), physical_mental=_body_or_mind(mentions["health"])
        ),
        growth_value=GrowthValue(**_common_fields(mentions["growth"]), learning_areas=topics),
        overall_assessment=_overall([name for name, mention in mentions.items() if mention.cues]),
    )


def _find_mention(pattern: re.Pattern[str], reading: Reading) -> _Mention:
    cues = pattern.findall(reading.text) if reading.is_english else []
    return _Mention(distinct(cues, _MAX_CUES))


def _common_fields(mention: _Mention) -> dict[str, object]:
    return {
        "score": mention.score,
        "reasoning": mention.reasoning,
        "confidence": mention.confidence,
        "evidence": mention.evidence,
    }


def _body_or_mind(mention: _Mention) -> Literal["physical", "mental", "both"] | None:
    words = " ".join(mention.cues)
    body, mind = _BODY.search(words), _MIND.search(words)
    if body and mind:
        return "both"
    return "physical" if body else "mental" if mind else None


def _overall(mentioned: list[str]) -> str:
    if not mentioned:
        return "Not assessed: the thought has no words that the offline rules can relate to a value."
    return f"Values that the thought mentions: {', '.join(mentioned)}. The others were not assessed."
