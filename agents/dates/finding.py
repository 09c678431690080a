"""Finds the days and periods that a thought names, and resolves them by the calendar of its author."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from agents.dates.grammar import Grammar, grammar_of
from agents.dates.meaning import Reader
from agents.dates.named import NamedDate, Nearness
from agents.dates.spans import Span, find_spans, plain
from agents.dates.urgency import urgency_of_day, urgency_of_period
from agents.fields import MAX_LIST_LENGTH
from agents.interface import AgentInput
from agents.language import detect_language
from agents.profile import time_zone, time_zone_name

_ORDER: Final[tuple[Nearness, ...]] = ("immediate", "soon", "eventually")
_ANY_DAY: Final = date(2024, 1, 1)


def named_dates(text: str, written_on: date, today: date, zone: str = "") -> list[NamedDate]:
    """Return the days and periods that a text of this day names. Their urgencies count from `today`.

    `zone` is the name of the author's time zone: it says in which order they write day and month, and which country's
    holidays they keep. A day before `written_on` is not urgent, because the text may only look back at it. A day that
    has passed since is.
    """
    lower = plain(text)
    grammar = _grammar(text)
    reader = Reader(lower, written_on, zone, grammar)
    return list(_named(text, find_spans(lower, grammar), reader, today))


def dates_of_input(agent_input: AgentInput) -> list[NamedDate]:
    """Return the days and periods that the thought names, by the calendar of its author's time zone."""
    zone = time_zone_name(agent_input.profile)
    return named_dates(agent_input.text, writing_day(agent_input), call_day(agent_input), zone)


def writing_day(agent_input: AgentInput) -> date:
    """Return the day on which the thought was written, by its author's time zone."""
    return agent_input.written_at.astimezone(time_zone(agent_input.profile)).date()


def call_day(agent_input: AgentInput) -> date:
    """Return the day of the call, by the author's time zone."""
    return agent_input.called_at.astimezone(time_zone(agent_input.profile)).date()


def dates(text: str) -> list[str]:
    """Return the parts of the text that name a day, unchanged and without repetitions."""
    first: dict[str, str] = {}
    for named in named_dates(text, _ANY_DAY, _ANY_DAY):
        if named.is_day:
            first.setdefault(named.text.lower(), named.text)
    return list(first.values())[:MAX_LIST_LENGTH]


def urgency_of_dates(text: str, written_on: date, today: date, zone: str = "") -> Nearness | None:
    """Return the urgency of the most urgent day or period, or None when the text names none."""
    urgencies = {named.urgency for named in named_dates(text, written_on, today, zone)}
    return next((urgency for urgency in _ORDER if urgency in urgencies), None)


def _grammar(text: str) -> Grammar | None:
    language = detect_language(text)
    return grammar_of(language) if language else None


def _named(text: str, spans: list[Span], reader: Reader, today: date) -> Iterator[NamedDate]:
    seen: set[tuple[str, date]] = set()
    for span in spans:
        day = reader.day(span)
        if day is None or (reader.text[span.start : span.end], day) in seen:
            continue
        seen.add((reader.text[span.start : span.end], day))
        urgency = (urgency_of_period if span.is_period else urgency_of_day)(day, reader.written_on, today)
        yield NamedDate(text[span.start : span.end], day, urgency, is_day=not span.is_period)
