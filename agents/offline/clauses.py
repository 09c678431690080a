"""Splits a note into sentences, and takes the date out of a sentence.

Every result consists of words of the note, in their order.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from agents.classification import ResolvedDate
from agents.days import day_text
from agents.offline.action_words import BEFORE_DATES, KIND_OF_DEADLINE
from agents.offline.english import alternatives

_END: Final = re.compile(r"[.!?\u2026;]+(?=[\s\"'\u201d\u2019)]|$)|[\n\r]+|\s*(?:\u2192|->)\s*|\s+[\u2013\u2014-]\s+")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|st|prof|sr|sra|dra|mme|no|nr|vs|tel|appt|approx|e\.g|i\.e|z\.b|bzw|fr|hr)|^\d{1,2})$", re.I
)
_EDGES: Final = " \t,;:.!\u2026-\u2013\u2014*\u2022\u00b7>()[]"
_ARTICLES: Final = frozenset(
    [
        "the",
        "that",
        "a",
        "an",
        "our",
        "my",
        "your",
        "his",
        "her",
        "their",
        "every",
        "each",
        "last",
        "der",
        "die",
        "das",
        "den",
        "la",
        "les",
        "los",
        "el",
        "o",
    ]
)
_GOES_ON: Final = re.compile(
    r"[\s]*(?:$|[,;:.!?)\u2013\u2014-]|(?:about|with|at|to|for|in|and|or|or|before|after|if|from|between|i'?m|i'?ll|i|we|"
    r"mit|um|bei|wegen|à|avec|pour|a las|con|para|às|com|pra|[0-9])\b)",
    re.I,
)
_OTHER_VERB: Final = re.compile(
    r"\b(?:closes?|opens?|ends?|starts?|begins?|expires?|dies|is|are|was|runs|lands?|comes?|falls due|since|until|till|"
    r"from|of|and|to|than|like|on or|half|all|lands on|tengo|tenho|ist|sind|est|sont|es|é|endet|falls|due)$",
    re.I,
)
_PREPOSITION: Final = re.compile(rf"(?:(?<=\s)|^)(?P<word>{alternatives(BEFORE_DATES)})\s+(?:the\s+)?$", re.IGNORECASE)
_LED_BY_BEFORE: Final = re.compile(r"\b(?:before|b4|bevor|avant que|antes de que|antes que)\s[^,;.]*$", re.IGNORECASE)
"""As in "before the clocks go back on the 26th": the day is a limit although another word stands before it."""
_NUMERIC: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class When:
    """The day that a sentence names, and what the word before it makes of the day."""

    quote: str
    day: date
    relation: str = ""
    """"before" or "by"; "" when the day is not said to be a deadline."""
    word: str = ""
    """The word of the note that says so."""

    @property
    def text(self) -> str:
        """Return the wording of the note with its day, such as "before Friday (Fri 13 March 2026)"."""
        return f"{self.word} {self.quote} ({day_text(self.day)})".strip()


@dataclass(frozen=True, slots=True)
class Dated:
    """A sentence without its date, and the date."""

    words: str
    when: When | None


def sentences(text: str) -> list[str]:
    """Return the sentences of a note, with a question mark if it ends them, without other marks at their edges."""
    found, start = [], 0
    for end in _END.finditer(text):
        so_far = text[start : end.start()]
        is_inside = so_far.count("(") > so_far.count(")") and "\n" not in end.group()
        if is_inside or ("." in end.group() and _ABBREVIATION.search(so_far)):
            continue
        found.append(trimmed(text[start : end.start()]) + ("?" if "?" in end.group() else ""))
        start = end.end()
    return [sentence for sentence in (*found, trimmed(text[start:])) if sentence.strip("? ")]


def trimmed(words: str) -> str:
    """Return the words without marks at their edges; a bracket that was opened inside stays closed."""
    kept = words.strip(_EDGES)
    return f"{kept})" if kept.count("(") > kept.count(")") and words.rstrip(" .!").endswith(")") else kept


def without_date(sentence: str, dates: Sequence[ResolvedDate]) -> Dated:
    """Take the first date out of a sentence. A date that a noun needs, as in "the Tuesday lecture", stays."""
    for named in sorted(dates, key=lambda named: -len(named.quote)):
        place = re.search(rf"(?<!\w){re.escape(named.quote)}(?!\w)", sentence, re.IGNORECASE)
        if place:
            return _without(sentence, place, named)
    return Dated(sentence, None)


def _without(sentence: str, place: re.Match[str], named: ResolvedDate) -> Dated:
    before, after = sentence[: place.start()], sentence[place.end() :]
    preposition = _PREPOSITION.search(before)
    word = preposition["word"].lower() if preposition else ""
    relation = KIND_OF_DEADLINE.get(word, "")
    if not relation and _LED_BY_BEFORE.search(before):
        relation, word = "before", ""
    when = When(place.group(), named.day, relation, word if relation else "")
    head = before[: preposition.start()] if preposition else before
    if not _is_separate(head, after, place.group(), is_led=preposition is not None):
        return Dated(sentence, when)
    return Dated(joined(head, after), when)


def _is_separate(before: str, after: str, quote: str, *, is_led: bool) -> bool:
    """Return whether the sentence stays whole without the date."""
    if after[:1] in ("'", "\u2019") or _OTHER_VERB.search(before.rstrip()):
        return False
    if is_led:
        return _GOES_ON.match(after) is not None
    previous = before.split()[-1:]
    if previous and previous[0].lower() in _ARTICLES:
        return False
    stands_alone = not before.strip() or before.rstrip()[-1:] in ",;:("
    return stands_alone or (not _NUMERIC.search(quote) and _GOES_ON.match(after) is not None)


def joined(head: str, tail: str) -> str:
    """Join what is left on both sides of a cut."""
    left, right = head.rstrip(" ,;:"), tail.lstrip(" ,;:")
    mark = (
        next((mark for mark in (head.rstrip()[-1:], tail.lstrip()[:1]) if mark in ",;:"), "") if left and right else ""
    )
    return trimmed(f"{left}{mark} {right}")


def shortened(words: str, limit: int = 160) -> str:
    """Return at most `limit` characters, cut behind a comma or else behind a word."""
    if len(words) <= limit:
        return words
    cut = words[: limit + 1]
    end = max(cut.rfind(", "), cut.rfind(" ("))
    return trimmed(cut[: end if end > limit // 3 else max(cut.rfind(" "), limit // 3)])


def any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the phrases as whole words, ignoring case."""
    return re.compile(rf"(?<![\w'\u2019]){alternatives(phrases)}(?![\w'\u2019])", re.IGNORECASE)
