"""Offline classification: question marks, opening words, cue words and dates."""

import re
from collections.abc import Mapping
from datetime import date

from agents.classification import Classification, Complexity, Entities, ThoughtType, Tone, Urgency
from agents.offline import vocabulary
from agents.offline.dates import urgency_of_dates
from agents.offline.english import any_of, is_english, one_of, sentences, words
from agents.offline.entities import entities

_QUESTION_END = re.compile(r"[?\uff1f\u061f\u037e][\s\"'\u201d\u2019)\]]*$")
_AUXILIARY = "(?:should|shall|can|could|would|will|do|does|did|is|are|am|was|were|have|has)"
_QUESTION_WORD = "(?:how|why|what|when|where|who|which)"
_SUBJECT = "(?:i|we|you|he|she|it|they|there|my|our|the|this|that)"
_QUESTION_START = re.compile(rf"(?:{_AUXILIARY} {_SUBJECT}|{_QUESTION_WORD} (?:{_AUXILIARY}|to))\b", re.IGNORECASE)

_IDEA_OPENING = any_of(vocabulary.IDEA_OPENINGS)
_IDEA = any_of(vocabulary.IDEA)
_PROBLEM = any_of(vocabulary.PROBLEM)
_TASK = any_of(vocabulary.TASK)
_FEELING = any_of(vocabulary.FEELING)
_FEELS = re.compile(
    rf"(?<!\w){one_of(vocabulary.I_AM)}(?:\s(?:so|very|really|a bit|quite|too|just)){{0,3}}\s"
    rf"{one_of(vocabulary.OTHER_FEELINGS.union(*vocabulary.TONES.values()))}(?!\w)",
    re.IGNORECASE,
)
_NOT_NEGATED = r"(?<!not )(?<!n't )(?<!n\u2019t )(?<!no longer )(?<!never )"
_TONES = {
    tone: re.compile(_NOT_NEGATED + any_of(cues).pattern, re.IGNORECASE) for tone, cues in vocabulary.TONES.items()
}
_IMMEDIATE = any_of(vocabulary.IMMEDIATE)
_SOON = any_of(vocabulary.SOON)
_NEVER = any_of(vocabulary.NEVER)

_NEEDS: Mapping[ThoughtType, list[str]] = {
    "task": ["A moment to do it"],
    "problem": ["A cause found, or a way round"],
    "question": ["An answer"],
    "idea": ["A first small trial"],
    "emotion": [],
    "observation": [],
}


def classify(text: str, today: date) -> Classification:
    """The rules' reading of a cleaned text; in another language than English only a question mark is understood."""
    if not is_english(text):
        return _unread(text)
    kind = _type(text)
    return Classification(
        type=kind,
        urgency=_urgency(text, kind, today),
        entities=entities(text),
        emotional_tone=_tone(text),
        implied_needs=_NEEDS[kind],
        complexity=_complexity(text),
    )


def _unread(text: str) -> Classification:
    return Classification(
        type="question" if _ends_as_question(text) else "observation",
        urgency="eventually",
        entities=Entities(people=[], dates=[], places=[], topics=[]),
        emotional_tone="neutral",
        implied_needs=[],
        complexity=_complexity(text),
    )


def _type(text: str) -> ThoughtType:
    """The first rule that fits; an observation where none does."""
    opening = next(iter(sentences(text)), "")
    if _IDEA_OPENING.search(opening):
        return "idea"
    if _ends_as_question(text) or _ends_as_question(opening) or _QUESTION_START.match(opening):
        return "question"
    if _FEELING.search(opening) or _FEELS.search(opening):
        return "emotion"
    if _begins_as_task(opening) or _TASK.search(text):
        return "task"
    if _PROBLEM.search(text):
        return "problem"
    return "idea" if _IDEA.search(text) else "observation"


def _ends_as_question(text: str) -> bool:
    return _QUESTION_END.search(text[-200:]) is not None


def _begins_as_task(opening: str) -> bool:
    first = [word for word in words(opening) if word not in vocabulary.BEFORE_A_TASK][:1]
    return bool(first) and first[0] in vocabulary.STARTERS


def _urgency(text: str, kind: ThoughtType, today: date) -> Urgency:
    """By words of haste, then by dates; the dates of an observation or a feeling say when it was, not when to act."""
    if _NEVER.search(text):
        return "never"
    if _IMMEDIATE.search(text):
        return "immediate"
    if kind in ("observation", "emotion"):
        return "eventually"
    return urgency_of_dates(text, today) or ("soon" if _SOON.search(text) else "eventually")


def _tone(text: str) -> Tone:
    """The tone with the most cues, the stronger feeling first in a tie; neutral where no cue speaks."""
    hits = {tone: len(cues.findall(text)) for tone, cues in _TONES.items()}
    strongest = max(hits, key=lambda tone: hits[tone])
    return strongest if hits[strongest] else "neutral"


def _complexity(text: str) -> Complexity:
    """A measure of size, not of difficulty."""
    size, parts = len(words(text)), len(sentences(text))
    if size > 80 or parts > 6:
        return "complex"
    return "moderate" if size > 25 or parts > 2 else "simple"
