"""Finds the dates that a thought names, resolves them to days, and derives its urgency from them.

Code does this and no model, because models count days wrongly. General date parsers report dates in notes that have
none. The small grammar here misses some dates but reports no false ones.
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from agents.fields import MAX_LIST_LENGTH
from agents.interface import AgentInput
from agents.profile import time_zone

Nearness = Literal["immediate", "soon", "eventually"]
"""The urgencies that a date can give a thought, from the most urgent one."""

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SEASON_ENDS = {"spring": 5, "summer": 8, "autumn": 11, "fall": 11, "winter": 2}
"""Season -> its last month, in the northern hemisphere."""
_DAY = "(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_PART = "(?:morning|afternoon|evening|night)"
_PERIOD = f"(?:week|weekend|month|quarter|year|spring|summer|autumn|fall|winter|{_DAY}|{_MONTH})"
_NUMBER = "(?:[0-9]{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten)"
_AFTER_PREPOSITION = r"(?:(?<=\bin\s)|(?<=\bby\s)|(?<=\bsince\s)|(?<=\buntil\s))"
"""A month without a day counts only after one of these words, because "may" and "march" are also verbs."""

_GRAMMAR = re.compile(
    rf"""(?<!\w)(?:
      (?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})
    | (?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s(?P<month>{_MONTH})(?:,?\s(?P<year>[0-9]{{4}}))?
    | (?P<month_first>{_MONTH})\s(?P<day_second>[0-9]{{1,2}})(?:st|nd|rd|th)?(?!\w)(?:,?\s(?P<year_last>[0-9]{{4}}))?
    | (?P<today>today|tonight|this\s(?:morning|afternoon|evening))
    | (?P<near>tomorrow(?:\s{_PART})? | this\s(?:week|weekend|month) | next\sweek(?:end)?
        | (?:(?:this|next)\s)?{_DAY}(?:\s{_PART})? | in\s{_NUMBER}\s(?:hours?|days?) | the\send\sof\sthe\s(?:day|week))
    | (?P<far>(?:this|next|every)\s{_PERIOD} | in\s{_NUMBER}\s(?:weeks?|months?|years?)
        | {_AFTER_PREPOSITION}{_MONTH}(?:\s[0-9]{{4}})? | the\send\sof\sthe\s(?:month|quarter|year))
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_ORDER: tuple[Nearness, ...] = ("immediate", "soon", "eventually")
_SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A part of a text that names a date, unchanged, and what it means for a reader on a certain day."""

    text: str
    day: date | None
    """The last day that the text can mean; None when it means no single period, such as "every week"."""
    urgency: Nearness


def named_dates(text: str, written_on: date, today: date) -> list[NamedDate]:
    """Return the dates that a text of this day names. Their urgencies count from `today`.

    A day before `written_on` is not urgent, because the text may only look back at it. A day that has passed since is.
    """
    return [_named_date(span, written_on, today) for span in _spans(text)]


def dates_of_input(agent_input: AgentInput) -> list[NamedDate]:
    """Return the dates that the thought names, by the calendar of its author's time zone."""
    return named_dates(agent_input.text, writing_day(agent_input), call_day(agent_input))


def writing_day(agent_input: AgentInput) -> date:
    """Return the day on which the thought was written, by its author's time zone."""
    return agent_input.written_at.astimezone(time_zone(agent_input.profile)).date()


def call_day(agent_input: AgentInput) -> date:
    """Return the day of the call, by the author's time zone."""
    return agent_input.called_at.astimezone(time_zone(agent_input.profile)).date()


def dates(text: str) -> list[str]:
    """Return the parts of the text that name a date, unchanged and without repetitions."""
    first: dict[str, str] = {}
    for span in _spans(text):
        first.setdefault(span.group().lower(), span.group())
    return list(first.values())[:MAX_LIST_LENGTH]


def urgency_of_dates(text: str, written_on: date, today: date) -> Nearness | None:
    """Return the urgency of the most urgent date, or None when the text names no date."""
    urgencies = {named.urgency for named in named_dates(text, written_on, today)}
    return next((urgency for urgency in _ORDER if urgency in urgencies), None)


def _spans(text: str) -> Iterator[re.Match[str]]:
    return (span for span in _GRAMMAR.finditer(text) if _exists(span))


def _exists(span: re.Match[str]) -> bool:
    """Return whether the calendar has this day. Without a named year a leap year is assumed."""
    return not _is_exact(span) or _parse_day(span, 2024) is not None


def _named_date(span: re.Match[str], written_on: date, today: date) -> NamedDate:
    day = _exact_day(span, written_on) if _is_exact(span) else _last_day(span, written_on)
    return NamedDate(span.group(), day, _urgency(span, day, written_on, today))


def _urgency(span: re.Match[str], day: date | None, written_on: date, today: date) -> Nearness:
    urgency = _urgency_of_day(day, written_on, today)
    if _is_exact(span):
        return urgency
    if span["today"] is not None:
        return "immediate"
    if urgency == "immediate" and day is not None and day > today:
        return "soon"  # a wording such as "in two days" or "this week" leaves more time than an exact day
    return "soon" if day is None and span["near"] is not None else urgency


def _urgency_of_day(day: date | None, written_on: date, today: date) -> Nearness:
    if day is None or day < written_on:
        return "eventually"
    if day <= today + timedelta(days=1):
        return "immediate"
    return "soon" if day <= today + timedelta(days=_SOON_DAYS) else "eventually"


def _is_exact(span: re.Match[str]) -> bool:
    return any(span[name] is not None for name in ("iso", "month", "month_first"))


def _exact_day(span: re.Match[str], written_on: date) -> date | None:
    """Return the day that the span names. Without a year it is the nearest such day: in December, "3 January" is next
    year's."""
    days = [_parse_day(span, written_on.year + years) for years in (-1, 0, 1) if 1 <= written_on.year + years <= 9999]
    return min((day for day in days if day), key=lambda day: abs(day - written_on), default=None)


def _parse_day(span: re.Match[str], year: int) -> date | None:
    """Return the day that the span names, in `year` if it names none, or None when the calendar has no such day."""
    try:
        return date.fromisoformat(span["iso"]) if span["iso"] else _from_words(span, year)
    except ValueError:
        return None


def _from_words(span: re.Match[str], year: int) -> date:
    month = _MONTHS.index((span["month"] or span["month_first"]).lower()) + 1
    named_year = span["year"] or span["year_last"]
    return date(int(named_year or year), month, int(span["day"] or span["day_second"]))


def _last_day(span: re.Match[str], written_on: date) -> date | None:
    """Return the last day that a relative wording can mean, or None when it does not mean a single later period."""
    words = span.group().lower().split()
    looks_back = span.string[: span.start()].rstrip().lower().endswith("since")
    try:
        return None if words[0] == "every" or looks_back else _resolve(words, written_on)
    except (OverflowError, ValueError):  # beyond the year 9999
        return None


def _resolve(words: list[str], written_on: date) -> date | None:
    if words[0] == "tomorrow":
        return written_on + timedelta(days=1)
    if words[0] == "in" and len(words) == 3:
        return _after(_number(words[1]), words[2].removesuffix("s"), written_on)
    period = next((word for word in reversed(words) if word not in ("morning", "afternoon", "evening", "night")), "")
    if period.isdigit():  # "december 2027"
        return _month_end(int(period), _MONTHS.index(words[-2]) + 1)
    return _end_of(period, written_on, is_next=words[0] == "next")


def _number(word: str) -> int:
    if word in ("a", "an"):
        return 1
    return int(word) if word.isdigit() else _NUMBERS.index(word) + 1


def _after(number: int, unit: str, day: date) -> date:
    if unit == "hour":
        return day + timedelta(days=number // 24)
    if unit in ("day", "week"):
        return day + timedelta(days=number * (7 if unit == "week" else 1))
    months = day.month - 1 + number * (12 if unit == "year" else 1)
    return _month_end(day.year + months // 12, months % 12 + 1)


def _end_of(period: str, day: date, *, is_next: bool) -> date | None:
    """Return the last day of the current period, such as "week", or of the next one; None for an unknown word."""
    if period in ("week", "weekend"):
        return day + timedelta(days=6 - day.weekday() + 7 * is_next)
    if period.removesuffix("day") in _WEEKDAYS:
        return day + timedelta(days=(_WEEKDAYS.index(period.removesuffix("day")) - day.weekday()) % 7 + 7 * is_next)
    if period in ("month", "quarter", "year"):
        length = {"month": 1, "quarter": 3, "year": 12}[period]
        months = (day.month - 1) // length * length + length * (1 + is_next) - 1
        return _month_end(day.year + months // 12, months % 12 + 1)
    if period in _MONTHS or period in _SEASON_ENDS:
        month = _MONTHS.index(period) + 1 if period in _MONTHS else _SEASON_ENDS[period]
        return _month_end(day.year + (month < day.month), month)
    return day  # today, tonight, this morning, the end of the day


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
