"""Finds the parts of a text that name a day or a period, without saying yet which."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from agents.dates import numeric
from agents.dates.grammar import NUMERIC_FORMS, PERIOD_KINDS, Form, Grammar

_CONTEXT_LENGTH: Final = 60
_MONTH_IN_FULL: Final = re.compile(r"[^\W\d]{5,}\.$")
"""No abbreviation of a month has five letters."""
_LINE_END: Final = re.compile(r"\s*(?:$|\n)")
_NUMBER_RANGE: Final = re.compile(
    r"\d(?:st|nd|rd|th)?\.?\s?(?:-|\u2013|\u2014)\s?$"
    r"|\b(?:from|vom|von|du|del|desde|de|do)\s(?:the\s|le\s|el\s|o\s|dia\s)?\d{1,2}(?:st|nd|rd|th)?\.?\s(?:to|until|till|bis(?:\szum)?|au|al|hasta(?:\sel)?|a|ao|até(?:\so)?)\s(?:the\s)?$"
)
_WEEKDAY_LINK: Final = re.compile(r",?\s(?:\()?")
_NAMED_AS_DAY: Final = re.compile(r"(?:day|eve|night|friday|monday|sunday|wednesday|tuesday)$")
"""Holidays whose name says that they are a day, whatever follows it."""
_WEEK_OF: Final = re.compile(
    r"\b(?:week\sof|week\sbeginning|woche\svom|semaine\sdu|semana\sdel|semana\sdo)\s(?:the\s|dia\s)?$"
)
_TITLE_BEFORE: Final = re.compile(
    r"\b(?:blue|bloody|casual|freaky|girl|man|manic|robinson\s(?:und|et|y|e)|ruby|tgi)\s$"
)
_TITLE_AFTER: Final = re.compile(
    r"'s\s(?:is|was|has|opens|closes)\b|\s(?:addams|best|blues|gigante|jobs?|murder\sclub|night\slive|night\slights"
    r"|of\sanger|ou\sla\svie|roasts?|school|times|à\sbamako|da\sboa|sinfonia|sinfonía|symphonie)\b"
)
"""What makes a weekday a part of a name or of a fixed phrase: "Blue Monday", "a Sunday roast"."""
_GENERIC_SUFFIX: Final = re.compile(r"(?:'?s)?-\w")
"""What follows a word that is only a part of a compound: "Friday-ish", "Montag-Team"."""


@dataclass(frozen=True)
class Span:
    """A wording, where its quote stands in the text, and what the form that found it says."""

    form: Form
    match: re.Match[str]
    start: int
    end: int

    def value(self, name: str) -> str | None:
        """Return the text of a group, or None when the form has none or it is empty."""
        return self.match[name] if name in self.match.re.groupindex else None

    @property
    def is_period(self) -> bool:
        return self.form.kind in PERIOD_KINDS


def plain(text: str) -> str:
    """Return the text in lower case and with straight apostrophes. Every character keeps its place."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    return lower.replace("\u2019", "'").replace("\u00a0", " ")


def find_spans(text: str, grammar: Grammar | None) -> list[Span]:
    """Return the spans of a plain text in their order; without a grammar only those of the numeric forms."""
    taken: list[tuple[int, int]] = []
    spans: list[Span] = []
    for form in grammar.forms if grammar else NUMERIC_FORMS:
        for match in form.pattern.finditer(text):
            span = _span(form, match)
            if any(start < span.end and span.start < end for start, end in taken):
                continue
            if not _is_meant(text, span, grammar):
                continue
            taken.append((span.start, span.end))
            spans.append(span)
    spans.sort(key=lambda span: span.start)
    return list(_joined(text, list(_without_ranges(text, spans, grammar)))) if grammar else spans


def _span(form: Form, match: re.Match[str]) -> Span:
    group = "quote" if "quote" in match.re.groupindex and match["quote"] is not None else 0
    return Span(form, match, match.start(group), _end(form, match, group))


def _end(form: Form, match: re.Match[str], group: int | str) -> int:
    """Return where the quote ends. The full stop of an abbreviated month inside a line is part of it."""
    end = match.end(group)
    ends_sentence = (
        form.kind == "month_date"
        and match.string[end - 1 : end] == "."
        and (_MONTH_IN_FULL.search(match.string[max(0, end - 12) : end]) or _LINE_END.match(match.string, end))
    )
    return end - 1 if ends_sentence else end


def _is_meant(text: str, span: Span, grammar: Grammar | None) -> bool:
    """Return whether the words around a span let it mean one day, and not every one or the kind of something."""
    before, after = text[max(0, span.start - _CONTEXT_LENGTH) : span.start], text[span.end : span.end + _CONTEXT_LENGTH]
    if span.form.kind in ("iso", "numeric", "dotted"):
        return numeric.is_meant(span.match, before, after, grammar)
    if _WEEK_OF.search(before):
        return False
    if grammar is None or _GENERIC_SUFFIX.match(after):
        return False
    context = grammar.context
    if span.form.kind == "holiday":
        return not context.not_before_holiday.search(before) and (
            _NAMED_AS_DAY.search(span.match.group()) is not None or context.holiday_end.match(after) is not None
        )
    if span.form.kind == "distance":
        return span.form.says == -1 or not context.not_before_distance.search(before)
    if span.form.kind == "weekday":
        if _TITLE_BEFORE.search(before) or _TITLE_AFTER.match(after):
            return False
        repeated = context.repeated_before.search(before) and not span.form.says
        return not repeated and not context.repeated_after.match(after)
    if span.form.kind == "month_date":
        return _is_month_date(span, after, grammar)
    return True


def _is_month_date(span: Span, after: str, grammar: Grammar) -> bool:
    """Return whether a month that is also a verb is meant as one: "may 5" is a day, "may 5 people" is none."""
    if span.value("month") not in grammar.lexicon.doubtful_months:
        return True
    return re.match(r"\s+[a-z]{3,}", after) is None or re.match(grammar.lexicon.lone_day_end, after) is not None


def _without_ranges(text: str, spans: list[Span], grammar: Grammar) -> Iterator[Span]:
    """Yield the spans that are no end of a range such as "Monday to Friday"."""
    for index, span in enumerate(spans):
        before = text[max(0, span.start - _CONTEXT_LENGTH) : span.start]
        neighbours = itertools.pairwise(spans[max(0, index - 1) : index + 2])
        if any(_is_range(text, first, second, grammar) for first, second in neighbours):
            continue
        if not _ends_range(before, span, grammar):
            yield span


def _joined(text: str, spans: list[Span]) -> Iterator[Span]:
    """Yield the spans, with a weekday and the date that follows it as one: "Friday 10/30"."""
    for index, span in enumerate(spans):
        before = spans[index - 1] if index else None
        after = spans[index + 1] if index + 1 < len(spans) else None
        if after is not None and _belongs_to(text, span, after):
            continue
        yield replace(span, start=before.start) if before is not None and _belongs_to(text, before, span) else span


def _belongs_to(text: str, weekday: Span, day: Span) -> bool:
    """Return whether a span is the weekday of the date after it."""
    is_pair = weekday.form.kind == "weekday" and day.form.kind in ("numeric", "dotted", "lone_day", "month_date")
    return is_pair and not weekday.form.says and _WEEKDAY_LINK.fullmatch(text[weekday.end : day.start]) is not None


def _is_range(text: str, first: Span, second: Span, grammar: Grammar) -> bool:
    if first.is_period or second.is_period or first.form.kind == "relative" or second.form.kind == "relative":
        return False
    between = text[first.end : second.start]
    if grammar.context.range_link.fullmatch(between):
        return True
    opening = text[max(0, first.start - _CONTEXT_LENGTH) : first.start]
    return grammar.context.between.search(opening) is not None and len(between) < 12


def _ends_range(before: str, span: Span, grammar: Grammar) -> bool:
    """Return whether the words before make the span the end of a range: "3-5 May", "de lunes a viernes"."""
    if span.is_period or span.form.kind == "relative":
        return False
    return _NUMBER_RANGE.search(before) is not None or (
        span.form.kind == "weekday" and grammar.after_weekday.search(before) is not None
    )
