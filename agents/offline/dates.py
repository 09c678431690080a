"""The dates that a thought names, found by a small grammar of its own, and what they say about its urgency.

General date parsers find dates in notes that have none; this grammar finds fewer and invents nothing.
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
"""May and March are also verbs: a month without a day counts only here."""

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
    """The spans that name a date, as they stand in the text."""
    return distinct((span.group() for span in _GRAMMAR.finditer(text) if _exists(span)), MAX_LIST_LENGTH)


def urgency_of_dates(text: str, today: date) -> Urgency | None:
    """The most urgent of the dates named; None where the text names none."""
    found = {_urgency(span, today) for span in _GRAMMAR.finditer(text) if _exists(span)}
    return next((level for level in _ORDER if level in found), None)


def _exists(span: re.Match[str]) -> bool:
    """Whether it is a day of the calendar; a leap year stands in where no year is named."""
    return not _is_exact(span) or _exact(span, 2024) is not None


def _urgency(span: re.Match[str], today: date) -> Urgency:
    if _is_exact(span):
        return _urgency_of_day(_exact(span, today.year), today)
    if span["today"] is not None:
        return "immediate"
    return "soon" if span["near"] is not None else "eventually"


def _urgency_of_day(day: date | None, today: date) -> Urgency:
    """A day gone by hurries nobody: the thought may only look back at it."""
    days = (day - today).days if day else -1
    if 0 <= days <= 1:
        return "immediate"
    return "soon" if 0 <= days <= _SOON_DAYS else "eventually"


def _is_exact(span: re.Match[str]) -> bool:
    return any(span[name] is not None for name in ("iso", "month", "month_first"))


def _exact(span: re.Match[str], year: int) -> date | None:
    """The day that the span names, in `year` where it names none; None for a day that no calendar has."""
    try:
        return date.fromisoformat(span["iso"]) if span["iso"] else _from_words(span, year)
    except ValueError:
        return None


def _from_words(span: re.Match[str], year: int) -> date:
    month = _MONTHS.index((span["month"] or span["month_first"]).lower()) + 1
    named_year = span["year"] or span["year_last"]
    return date(int(named_year or year), month, int(span["day"] or span["day_second"]))
