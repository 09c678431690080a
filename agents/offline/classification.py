"""Classifies a thought by its question marks, opening words, cue words and dates."""

import re
from collections.abc import Mapping
from datetime import date

from agents.classification import Classification, Complexity, ThoughtType, Tone, Urgency
from agents.dates import urgency_of_dates
from agents.evidence import Claim
from agents.offline import vocabulary
from agents.offline.english import alternatives, excerpt, is_english, sentences, whole_word_pattern, words
from agents.offline.entities import entities

_QUESTION_END = re.compile(r"[?\uff1f\u061f\u037e][\s\"'\u201d\u2019)\]]*$")
_AUXILIARY = "(?:should|shall|can|could|would|will|do|does|did|is|are|am|was|were|have|has)"
_QUESTION_WORD = "(?:how|why|what|when|where|who|which)"
_SUBJECT = "(?:i|we|you|he|she|it|they|there|my|our|the|this|that)"
_QUESTION_START = re.compile(rf"(?:{_AUXILIARY} {_SUBJECT}|{_QUESTION_WORD} (?:{_AUXILIARY}|to))\b", re.IGNORECASE)

_IDEA_OPENING = whole_word_pattern(vocabulary.IDEA_OPENINGS)
_IDEA = whole_word_pattern(vocabulary.IDEA)
_PROBLEM = whole_word_pattern(vocabulary.PROBLEM)
_TASK = whole_word_pattern(vocabulary.TASK)
_FEELING = whole_word_pattern(vocabulary.FEELING)
_FEELS = re.compile(
    rf"(?<!\w){alternatives(vocabulary.I_AM)}(?:\s(?:so|very|really|a bit|quite|too|just)){{0,3}}\s"
    rf"{alternatives(vocabulary.OTHER_FEELINGS.union(*vocabulary.TONES.values()))}(?!\w)",
    re.IGNORECASE,
)
_NOT_NEGATED = r"(?<!not )(?<!n't )(?<!n\u2019t )(?<!no longer )(?<!never )"
_TONES = {
    tone: re.compile(_NOT_NEGATED + whole_word_pattern(cues).pattern, re.IGNORECASE)
    for tone, cues in vocabulary.TONES.items()
}
_IMMEDIATE = whole_word_pattern(vocabulary.IMMEDIATE)
_SOON = whole_word_pattern(vocabulary.SOON)
_NEVER = whole_word_pattern(vocabulary.NEVER)

_NEEDS: Mapping[ThoughtType, str] = {
    "task": "A moment to do it.",
    "problem": "A cause, or a workaround.",
    "question": "An answer.",
    "idea": "A first small trial.",
}


def classify(text: str, written_on: date, today: date) -> Classification:
    """Classify a cleaned text. In a text that is not English, only a question mark is recognised."""
    if not is_english(text):
        return _not_english(text)
    kind = _type(text)
    return Classification(
        type=kind,
        urgency=_urgency(text, kind, written_on, today),
        entities=entities(text),
        emotional_tone=_tone(text),
        implied_needs=_needs(text, kind),
        complexity=_complexity(text),
    )


def _needs(text: str, kind: ThoughtType) -> list[Claim]:
    """Return what a thought of this type needs, with the first sentence as the evidence."""
    if kind not in _NEEDS:
        return []
    return [Claim(statement=_NEEDS[kind], source="thought", quote=excerpt(next(iter(sentences(text)))))]


def _not_english(text: str) -> Classification:
    return Classification(
        type="question" if _ends_with_question_mark(text) else "observation",
        urgency="eventually",
        entities=entities(text),
        emotional_tone="neutral",
        implied_needs=[],
        complexity=_complexity(text),
    )


def _type(text: str) -> ThoughtType:
    """Return the type of the first rule that matches, or `observation` when none does."""
    opening = next(iter(sentences(text)), "")
    if _IDEA_OPENING.search(opening):
        return "idea"
    if _ends_with_question_mark(text) or _ends_with_question_mark(opening) or _QUESTION_START.match(opening):
        return "question"
    if _FEELING.search(opening) or _FEELS.search(opening):
        return "emotion"
    if _starts_like_task(opening) or _TASK.search(text):
        return "task"
    if _PROBLEM.search(text):
        return "problem"
    return "idea" if _IDEA.search(text) else "observation"


def _ends_with_question_mark(text: str) -> bool:
    return _QUESTION_END.search(text[-200:]) is not None


def _starts_like_task(opening: str) -> bool:
    first_word = [word for word in words(opening) if word not in vocabulary.TASK_PREFIXES][:1]
    return bool(first_word) and first_word[0] in vocabulary.TASK_VERBS


def _urgency(text: str, kind: ThoughtType, written_on: date, today: date) -> Urgency:
    """Return the urgency by cue words, then by dates. The dates of an observation or a feeling are not deadlines."""
    if _NEVER.search(text):
        return "never"
    if _IMMEDIATE.search(text):
        return "immediate"
    if kind in ("observation", "emotion"):
        return "eventually"
    return urgency_of_dates(text, written_on, today) or ("soon" if _SOON.search(text) else "eventually")


def _tone(text: str) -> Tone:
    """Return the tone with the most cues, the stronger feeling in a tie, or `neutral` without any cue."""
    hits = {tone: len(cues.findall(text)) for tone, cues in _TONES.items()}
    strongest = max(hits, key=lambda tone: hits[tone])
    return strongest if hits[strongest] else "neutral"


def _complexity(text: str) -> Complexity:
    """Return the complexity by length; it does not measure difficulty."""
    word_count, sentence_count = len(words(text)), len(sentences(text))
    if word_count > 80 or sentence_count > 6:
        return "complex"
    return "moderate" if word_count > 25 or sentence_count > 2 else "simple"
