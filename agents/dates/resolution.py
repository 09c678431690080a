"""Computes the day that a wording means, from the day on which it was written.

Raises ValueError or OverflowError where the calendar has no such day.
"""

import calendar
from datetime import date, timedelta
from typing import Final, Literal

from agents.dates.lexicon import Shift

Tense = Literal["past", "perhaps_past", "perhaps_future", "future", "unknown"]
"""Whether a text means a day that has passed or one to come. The word before the day decides ("since", "until"),
otherwise the nearest verb, which leaves it at "perhaps"."""

_MONTH_DAYS: Final = 32
_REMEMBERED_DAYS: Final = 45
_JUST_PASSED_DAYS: Final = 10
_FAR_DAYS: Final = 280
"""A day of a month that comes in more than this many days, and was at most _REMEMBERED_DAYS ago, is the past one."""


def next_weekday(weekday: int, written_on: date) -> date:
    """Return the first such day after the day of writing: for today a writer says "today"."""
    return written_on + timedelta(days=(weekday - written_on.weekday() - 1) % 7 + 1)


def latest_weekday(weekday: int, written_on: date) -> date:
    """Return the last such day before the day of writing."""
    return written_on - timedelta(days=(written_on.weekday() - weekday - 1) % 7 + 1)


def weekday_of_week(weekday: int, written_on: date, weeks: int) -> date:
    """Return the weekday of the Monday-Sunday week that begins `weeks` weeks after the current one."""
    return written_on + timedelta(days=weekday - written_on.weekday() + 7 * weeks)


def shifted_weekday(weekday: int, shift: Shift, written_on: date) -> date:
    """Return the weekday that a wording such as "next" or "a week on" means."""
    if shift == "this":
        day = weekday_of_week(weekday, written_on, 0)
        return day if day >= written_on else next_weekday(weekday, written_on)
    if shift == "last":
        return latest_weekday(weekday, written_on)
    if shift in ("next", "after_next"):
        return weekday_of_week(weekday, written_on, 1 if shift == "next" else 2)
    weeks = {"coming": 0, "week_after": 1, "two_weeks_after": 2}[shift]
    return next_weekday(weekday, written_on) + timedelta(weeks=weeks)


def day_of_month(day: int, tense: Tense, written_on: date, weekday: int | None = None) -> date:
    """Return the next such day of a month, or the latest one if the text is about the past.

    A weekday beside it chooses the month, if a month within a year has this day on this weekday.
    """
    coming = _days_of_months(day, written_on, weekday, backwards=False)
    passed = _days_of_months(day, written_on, weekday, backwards=True)
    if tense == "past" or (tense == "perhaps_past" and (written_on - passed).days < _MONTH_DAYS):
        return passed
    return coming


def month_day(month: int, day: int, tense: Tense, written_on: date) -> date:
    """Return the next such day of the year, or the latest one if the text is about the past."""
    years = [year for year in range(written_on.year - 8, written_on.year + 9) if _exists(year, month, day)]
    coming = [date(year, month, day) for year in years if date(year, month, day) >= written_on]
    passed = [date(year, month, day) for year in years if date(year, month, day) <= written_on]
    if not coming and not passed:
        raise ValueError("the calendar has no such day")
    if not coming or not passed or tense in ("past", "future"):
        return passed[-1] if passed and (tense == "past" or not coming) else coming[0]
    ago, ahead = (written_on - passed[-1]).days, (coming[0] - written_on).days
    if tense == "perhaps_past":
        return passed[-1] if ago < ahead else coming[0]
    remembered = _REMEMBERED_DAYS if tense == "unknown" else _JUST_PASSED_DAYS
    return passed[-1] if ago <= remembered and ahead > _FAR_DAYS else coming[0]


def after_months(months: int, written_on: date) -> date:
    """Return the last day of the month that is this many months after the day of writing."""
    count = written_on.month - 1 + months
    return month_end(written_on.year + count // 12, count % 12 + 1)


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def _days_of_months(day: int, written_on: date, weekday: int | None, *, backwards: bool) -> date:
    """Return the nearest day with this number, on this weekday if a month within a year has it there.

    Raises ValueError for a number that no month has.
    """
    found = []
    for count in range(14):
        months = written_on.year * 12 + written_on.month - 1 + (-count if backwards else count)
        if not _exists(months // 12, months % 12 + 1, day):
            continue
        candidate = date(months // 12, months % 12 + 1, day)
        if candidate <= written_on if backwards else candidate >= written_on:
            found.append(candidate)
    matching = [candidate for candidate in found if weekday is None or candidate.weekday() == weekday]
    if not found:
        raise ValueError("no month has such a day")
    return (matching or found)[0]


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
