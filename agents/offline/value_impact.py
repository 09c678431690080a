"""Assesses a value only when the thought has words for it, or is clearly similar to descriptions of it.

The score says how much the thought concerns the value, not whether it is good for it: 3 for similarity alone, 4 for one
word, more for further words, at most 8. The confidence is always low.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from agents.evidence import Evidence
from agents.fields import NOT_ASSESSED
from agents.offline.english import distinct, excerpt, whole_word_pattern
from agents.offline.harm import harm
from agents.offline.reading import Reading
from agents.offline.similarity import similarities
from agents.offline.value_words import BODY, DESCRIPTIONS, MIND, MONEY, STRONG, WORDS
from agents.value_impact import EconomicValue, GrowthValue, HealthValue, LegacyValue, RelationalValue, ValueImpact

SIMILARITY_THRESHOLD: Final = 0.85
MARGIN_THRESHOLD: Final = 0.03
"""How much more similar a thought must be to the descriptions of one value than to those of the others."""

_WORDS: Final = {name: whole_word_pattern(words) for name, words in WORDS.items()}
_MONEY: Final = re.compile(MONEY, re.IGNORECASE)
_STRONG: Final = whole_word_pattern(STRONG)
_BODY: Final = whole_word_pattern(BODY)
_MIND: Final = whole_word_pattern(MIND)
_MAX_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class _Support:
    """What in the thought supports a value."""

    words: list[str]
    is_similar: bool
    beginning: str
    """The beginning of the thought: the evidence when only its meaning as a whole supports the value."""

    @property
    def is_found(self) -> bool:
        return bool(self.words) or self.is_similar

    @property
    def score(self) -> int | None:
        if not self.is_found:
            return None
        strong = sum(_STRONG.fullmatch(word) is not None for word in self.words)
        return min(3 + len(self.words) + strong + (self.is_similar and bool(self.words)), 8)

    @property
    def confidence(self) -> float:
        return (0.3 if self.words and self.is_similar else 0.2) if self.is_found else 0.0

    @property
    def reasoning(self) -> str:
        if not self.is_found:
            return NOT_ASSESSED
        if self.words:
            return "The thought names it. Whether the effect is good was not assessed."
        return "The thought as a whole is about it. Whether the effect is good was not assessed."

    @property
    def evidence(self) -> list[Evidence]:
        quotes = self.words or ([self.beginning] if self.is_similar else [])
        return [Evidence(source="thought", quote=quote) for quote in quotes]

    @property
    def found_by(self) -> str:
        if self.words and self.is_similar:
            return "words in the text, and its meaning"
        return "words in the text" if self.words else "the meaning of the text" if self.is_similar else ""


def weigh(reading: Reading) -> ValueImpact:
    """Return the five values. `with_computed_fields` computes `weighted_total` later."""
    similar = similar_values(reading.text)
    supports = {name: _support(name, reading, is_similar=name in similar) for name in WORDS}
    people = reading.classification.entities.people if supports["relational"].is_found else []
    topics = reading.classification.entities.topics if supports["growth"].is_found else []
    return ValueImpact(
        economic_value=EconomicValue(**_common_fields(supports["economic"]), timeframe=NOT_ASSESSED),
        relational_value=RelationalValue(**_common_fields(supports["relational"]), affected_relationships=people),
        legacy_value=LegacyValue(**_common_fields(supports["legacy"]), long_term_impact=NOT_ASSESSED),
        health_value=HealthValue(
            **_common_fields(supports["health"]), physical_mental=_body_or_mind(supports["health"])
        ),
        growth_value=GrowthValue(**_common_fields(supports["growth"]), learning_areas=topics),
        overall_assessment=_overall([name for name, support in supports.items() if support.is_found]),
        found_by={f"{name}_value": support.found_by for name, support in supports.items() if support.is_found},
    )


def _support(name: str, reading: Reading, *, is_similar: bool) -> _Support:
    if harm(reading.text):
        return _Support([], False, "")  # a low number beside words of harm would play them down
    words = _WORDS[name].findall(reading.text)
    if name == "economic":
        words = [*(match.group() for match in _MONEY.finditer(reading.text)), *words]
    if name == "relational":
        words = [*reading.classification.entities.people, *words]
    return _Support(
        distinct((word for word in words if len(word) > 1), _MAX_WORDS), is_similar, excerpt(reading.text, 120)
    )


def similar_values(text: str) -> set[str]:
    """Return the values whose descriptions the text resembles clearly more than those of the others."""
    names = [name for name, descriptions in DESCRIPTIONS.items() for _ in descriptions]
    values = similarities(text, [text for descriptions in DESCRIPTIONS.values() for text in descriptions])
    if not values or not text.strip():
        return set()
    nearest = {
        name: max(value for key, value in zip(names, values, strict=True) if key == name) for name in DESCRIPTIONS
    }
    return {
        name
        for name, value in nearest.items()
        if value >= SIMILARITY_THRESHOLD and _margin(name, nearest) >= MARGIN_THRESHOLD
    }


def _margin(name: str, nearest: Mapping[str, float]) -> float:
    others = [value for other, value in nearest.items() if other != name]
    return nearest[name] - sum(others) / len(others)


def _common_fields(support: _Support) -> dict[str, object]:
    return {
        "score": support.score,
        "reasoning": support.reasoning,
        "confidence": support.confidence,
        "evidence": support.evidence,
    }


def _body_or_mind(support: _Support) -> Literal["physical", "mental", "both"] | None:
    words = " ".join(support.words)
    body, mind = _BODY.search(words), _MIND.search(words)
    if body and mind:
        return "both"
    return "physical" if body else "mental" if mind else None


def _overall(found: list[str]) -> str:
    if not found:
        return "Not assessed: nothing in the thought could be related to a value."
    return f"The thought is about {_joined(found)}."


def _joined(names: list[str]) -> str:
    """Join the names of values in a sentence, such as "money or work, and people"."""
    texts = {
        "economic": "money or work",
        "relational": "people",
        "legacy": "what remains",
        "health": "health",
        "growth": "learning",
    }
    named = [texts[name] for name in names]
    comma = "," if len(named) > 2 or "economic" in names else ""
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])}{comma} and {named[-1]}"
