"""Finds the dates that a thought names and derives its urgency from them.

General date parsers report dates in notes that have none. The small grammar here misses some dates but reports no false
ones.
"""

import re
from datetime import date

from agents.classification import Urgency
from agents.offline.english import distinct
from agents.output import MAX_LIST_LENGTH

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
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
_ORDER: tuple[Urgency, ...] = ("immediate", "soon", "eventually")
_SOON_DAYS = 14


def dates(text: str) -> list[str]:
    """Return the parts of the text that name a date, unchanged."""
    return distinct((span.group() for span in _GRAMMAR.finditer(text) if _exists(span)), MAX_LIST_LENGTH)


def urgency_of_dates(text: str, today: date) -> Urgency | None:
    """Return the urgency of the most urgent date, or None when the text names no date."""
    urgencies = {_urgency(span, today) for span in _GRAMMAR.finditer(text) if _exists(span)}
    return next((urgency for urgency in _ORDER if urgency in urgencies), None)


def _exists(span: re.Match[str]) -> bool:
    """Return whether the calendar has this day. Without a named year a leap year is assumed."""
    return not _is_exact(span) or _parse_day(span, 2024) is not None


def _urgency(span: re.Match[str], today: date) -> Urgency:
    if _is_exact(span):
        return _urgency_of_day(_parse_day(span, today.year), today)
    if span["today"] is not None:
        return "immediate"
    return "soon" if span["near"] is not None else "eventually"


def _urgency_of_day(day: date | None, today: date) -> Urgency:
    """Return the urgency of a day. A past day is not urgent, because the thought may only look back at it."""
    days = (day - today).days if day else -1
    if 0 <= days <= 1:
        return "immediate"
    return "soon" if 0 <= days <= _SOON_DAYS else "eventually"


def _is_exact(span: re.Match[str]) -> bool:
    return any(span[name] is not None for name in ("iso", "month", "month_first"))


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
