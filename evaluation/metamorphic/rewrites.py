"""Rewrites a note in a known way. Each function returns the new text, or None when it does not apply to the note."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import cycle
from typing import Final

from evaluation.entities import is_role
from notes.reader import Note

_NAMES: Final = ("Robin", "Nadia", "Kofi", "Ingrid", "Tariq", "Paula")

_NEUTRAL: Final[Mapping[str, str]] = {
    "en": "The sky is grey.",
    "de": "Der Himmel ist grau.",
    "fr": "Le ciel est gris.",
    "es": "El cielo está gris.",
    "pt": "O céu está cinzento.",
}
_DECIDED_AGAINST: Final[Mapping[str, str]] = {
    "en": "I decided against it.",
    "de": "Ich habe mich dagegen entschieden.",
    "fr": "J'ai décidé de ne pas le faire.",
    "es": "He decidido no hacerlo.",
    "pt": "Decidi não fazer isso.",
}
_TOMORROW: Final[Mapping[str, str]] = {
    "en": "tomorrow", "de": "morgen", "fr": "demain", "es": "mañana", "pt": "amanhã",
}  # fmt: skip
_WEEKDAYS: Final[Sequence[Sequence[str]]] = (
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo"),
)
_BEFORE_TOMORROW: Final = re.compile(r"\b(?:on the|on|the|am|den|dem|der|le|el|na|no|dia|no dia|em)\s+$", re.IGNORECASE)
"""Words before a date that do not stand before "tomorrow"."""


def lower_case(note: Note) -> str | None:
    """Write the note without capitals."""
    return _if_changed(note.text, note.text.lower())


def without_final_punctuation(note: Note) -> str | None:
    """Leave out the punctuation at the end."""
    return _if_changed(note.text, note.text.rstrip(".!?\u2026 ")) or None


def with_other_names(note: Note) -> str | None:
    """Replace the labelled people by others; kin words such as "Mum" stay. A name in lower case gets one in lower
    case."""
    text = note.text
    people = [name for name in note.people if not is_role(name)]
    unused = cycle(name for name in _NAMES if name.lower() not in text.lower())
    for name, other in zip(sorted(people, key=len, reverse=True), unused, strict=False):
        replacement = other.lower() if name.islower() else other
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", replacement, text)
    return _if_changed(note.text, text)


def with_neutral_sentence(note: Note) -> str | None:
    """Append a remark that calls for nothing, in the language of the note."""
    return _appended(note, _NEUTRAL)


def with_decision_against(note: Note) -> str | None:
    """Append that the author decided against it. Applies to tasks, ideas and questions: the author can drop these."""
    return _appended(note, _DECIDED_AGAINST) if note.type in ("task", "idea", "question") else None


def with_nearer_deadline(note: Note, dates: Sequence[tuple[str, date]], today: date) -> str | None:
    """Replace the first date after tomorrow by tomorrow. `dates` are the quotes that were resolved, with their days.

    Applies when the quote occurs once. A weekday becomes the weekday of tomorrow.
    """
    later = [quote for quote, day in dates if day > today + timedelta(days=1) and note.text.count(quote) == 1]
    if not later or note.language not in _TOMORROW:
        return None
    before, quote, after = note.text.partition(later[0])
    weekday = _weekday_of_tomorrow(quote, today)
    if weekday:
        return before + weekday + after
    before = _BEFORE_TOMORROW.sub("", before)
    return before + _TOMORROW[note.language] + after


def _weekday_of_tomorrow(quote: str, today: date) -> str | None:
    names = next((names for names in _WEEKDAYS if quote.lower() in names), None)
    if names is None:
        return None
    name = names[(today + timedelta(days=1)).weekday()]
    return name if quote.islower() else name.capitalize()


def _appended(note: Note, sentences: Mapping[str, str]) -> str | None:
    sentence = sentences.get(note.language)
    if sentence is None:
        return None
    text = note.text.rstrip()
    return f"{text} {sentence}" if text[-1] in ".!?\u2026" else f"{text}. {sentence}"


def _if_changed(text: str, rewritten: str) -> str | None:
    return rewritten if rewritten not in (text, "") else None
