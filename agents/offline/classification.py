"""Makes the offline classification: what the classifier judges, and what dates and decisions in the text say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeVar

from agents.classification import (
    BY_WORD_RULES,
    Classification,
    Complexity,
    Entities,
    NotAssessed,
    ThoughtType,
    Tone,
    Urgency,
)
from agents.dates import Nearness, named_dates, urgency_of_dates
from agents.offline.classifier.judgement import Judged, judge
from agents.offline.english import sentences, words
from agents.offline.entities import entities
from agents.offline.harm import harm
from agents.offline.word_rules import classify_by_words

_DECIDED_AGAINST: Final = re.compile(
    r"(?<!\w)(?:(?:i|we|i['\u2019]ve|we['\u2019]ve)\s(?:have\s)?decided\s(?:against\s(?:it|this|that)|not\sto)"
    r"|never\smind|forget\s(?:it|that|about\sit)|dagegen\sentschieden|hat\ssich\serledigt"
    r"|d\u00e9cid\u00e9\sde\sne\spas|laisse\stomber|he\sdecidido\sno|ya\sno\shace\sfalta|decidi\sn\u00e3o|deixa\spra\sl\u00e1)(?!\w)",
    re.IGNORECASE,
)
"""Wordings with which an author says that nothing will be done."""

Label = TypeVar("Label", bound=str)

_HAS_DEADLINES: Final = ("task", "problem")
"""Types of which a coming date says until when they must be acted on."""

_RANKS: Final[dict[Urgency, int]] = {"immediate": 0, "soon": 1, "eventually": 2, "never": 3}


@dataclass(frozen=True, slots=True)
class _Found:
    """The three judged fields, each with how it was found."""

    type: Judged[ThoughtType]
    urgency: Judged[Urgency]
    tone: Judged[Tone]
    how: dict[str, str]


def classify(text: str, written_on: date, today: date, zone: str = "") -> Classification:
    """Classify a cleaned text. Where no classifier can run, word rules guess, and the fields count as not assessed.

    `zone` is the name of the author's time zone, or "" when it is unknown.
    """
    decided = _with_decision(_judged(text, written_on, today, zone), text)
    dated = _with_dates(decided, urgency_of_dates(text, written_on, today, zone))
    days = (found_date.day for found_date in named_dates(text, written_on, today, zone))
    found = _with_harm(_with_coming_day(dated, days, written_on), text)
    named = entities(text)
    fields: dict[NotAssessed, Judged[str]] = {
        "type": found.type,
        "urgency": found.urgency,
        "emotional_tone": found.tone,
    }
    return Classification(
        type=found.type.label,
        urgency=found.urgency.label,
        entities=named,
        emotional_tone=found.tone.label,
        implied_needs=[],
        complexity=_complexity(text),
        not_assessed=[name for name, judged in fields.items() if not judged.is_assessed],
        confidence={name: judged.confidence for name, judged in fields.items() if judged.confidence},
        found_by={**found.how, **_how_named(named), "complexity": "the length of the text"},
    )


def _how_named(named: Entities) -> dict[str, str]:
    """Return how the entities were found, for the kinds of which there are any."""
    how = {
        "people": "names, and the words around them",
        "places": "names, and the words around them",
        "dates": "the calendar words of the text",
        "topics": "the nouns of the text",
    }
    return {f"entities.{kind}": words for kind, words in how.items() if getattr(named, kind)}


def _judged(text: str, written_on: date, today: date, zone: str) -> _Found:
    judgement = judge(text, written_on, zone)
    if judgement is None:
        guess = classify_by_words(text, written_on, today)
        how = dict.fromkeys(("type", "urgency", "emotional_tone"), BY_WORD_RULES)
        return _Found(_guess(guess.type), _guess(guess.urgency), _guess(guess.tone), how)
    how = {
        "type": _by_classifier(judgement.type.confidence),
        "urgency": _by_classifier(judgement.urgency.confidence),
        "emotional_tone": _by_classifier(judgement.tone.confidence),
    }
    return _Found(judgement.type, judgement.urgency, judgement.tone, how)


def _by_classifier(confidence: float) -> str:
    return f"the classifier, {confidence:.0%} sure"


def _guess(label: Label) -> Judged[Label]:
    return Judged(label, 0.0, is_assessed=False)


def _with_decision(found: _Found, text: str) -> _Found:
    """Let a decision against it in the last sentence make the urgency "never", except for a danger."""
    last = [*sentences(text)][-1:]
    is_danger = found.type.label == "problem" and found.urgency.label == "immediate"
    if not last or not _DECIDED_AGAINST.search(last[0]) or is_danger:
        return found
    return replace(found, urgency=_certain("never"), how={**found.how, "urgency": "a decision in the text"})


def _with_dates(found: _Found, by_date: Nearness | None) -> _Found:
    """Let a nearer date raise the urgency of what must be acted on."""
    if by_date is None or found.type.label not in _HAS_DEADLINES or found.how["urgency"] == "a decision in the text":
        return found
    if _RANKS[by_date] >= _RANKS[found.urgency.label]:
        return found
    return replace(found, urgency=_certain(by_date), how={**found.how, "urgency": "a date in the text"})


def _with_coming_day(found: _Found, days: Iterable[date | None], written_on: date) -> _Found:
    """Do not trust "never" where the type was not judged and the text names a coming day: it may be a task."""
    is_open = found.urgency.label == "never" and not found.type.is_assessed
    if not is_open or found.how["urgency"] == "a decision in the text":
        return found
    if not any(day and day > written_on for day in days):
        return found
    return replace(found, urgency=replace(found.urgency, is_assessed=False))


def _with_harm(found: _Found, text: str) -> _Found:
    """Let words of harm to a person make the urgency "immediate", whatever else is judged."""
    if harm(text) is None:
        return found
    return replace(found, urgency=_certain("immediate"), how={**found.how, "urgency": "words of harm in the text"})


def _certain(label: Urgency) -> Judged[Urgency]:
    return Judged(label, 0.0, is_assessed=True)


def _complexity(text: str) -> Complexity:
    """Return the complexity by length; it does not measure difficulty."""
    word_count, sentence_count = len(words(text)), len(sentences(text))
    if word_count > 80 or sentence_count > 6:
        return "complex"
    return "moderate" if word_count > 25 or sentence_count > 2 else "simple"
