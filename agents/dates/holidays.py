"""Computes the day of a holiday in a year. Holidays that each country has on another day need the country."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from dateutil.easter import easter

from agents.dates.resolution import Tense, month_end

_JUST_PASSED_DAYS: Final = 25
_FIXED: Final[Mapping[str, tuple[int, int]]] = {
    "new_year": (1, 1),
    "candlemas": (2, 2),
    "epiphany": (1, 6),
    "burns_night": (1, 25),
    "valentine": (2, 14),
    "patrick": (3, 17),
    "april_fools": (4, 1), "anzac": (4, 25), "may_day": (5, 1), "juneteenth": (6, 19), "midsummer_john": (6, 24),
    "july_4": (7, 4), "bastille": (7, 14), "assumption": (8, 15), "michaelmas": (9, 29), "german_unity": (10, 3),
    "hispanic_day": (10, 12), "aparecida": (10, 12), "reformation": (10, 31), "halloween": (10, 31),
    "all_saints": (11, 1), "all_souls": (11, 2), "bonfire_night": (11, 5), "armistice": (11, 11), "martin": (11, 11),
    "nicholas": (12, 6), "guadalupe": (12, 12), "christmas_eve": (12, 24), "christmas": (12, 25),
    "boxing_day": (12, 26), "second_christmas": (12, 26), "new_years_eve": (12, 31), "tiradentes": (4, 21),
    "independence_br": (9, 7), "independence_mx": (9, 16), "lovers_br": (6, 12), "veterans": (11, 11),
    "joseph": (3, 19), "portugal_day": (6, 10), "liberty_day": (4, 25), "consciousness": (11, 20),
}  # fmt: skip
"""Key -> month and day."""

_AFTER_EASTER: Final[Mapping[str, int]] = {
    "rose_monday": -48, "shrove_tuesday": -47, "carnival": -47, "ash_wednesday": -46, "palm_sunday": -7,
    "maundy_thursday": -3, "good_friday": -2, "easter": 0, "easter_monday": 1, "ascension": 39, "pentecost": 49,
    "whit_monday": 50, "trinity": 56, "corpus_christi": 60,
}  # fmt: skip
"""Key -> days after Easter Sunday."""

_WEEKDAY_OF_MONTH: Final[Mapping[str, tuple[int, int, int]]] = {
    "mlk": (1, 0, 3), "presidents": (2, 0, 3), "memorial": (5, 0, -1), "labor_day": (9, 0, 1), "columbus": (10, 0, 2),
    "remembrance_sunday": (11, 6, 2), "thanksgiving": (11, 3, 4),
}  # fmt: skip
"""Key -> month, weekday and which of these weekdays, -1 for the last."""

_MOTHERS: Final[Mapping[str, Callable[[int], date]]] = {
    "GB": lambda year: easter(year) - timedelta(days=21),
    "FR": lambda year: _french_mothers_day(year),
    "ES": lambda year: nth_weekday(year, 5, 6, 1),
    "PT": lambda year: nth_weekday(year, 5, 6, 1),
    "MX": lambda year: date(year, 5, 10),
}
_FATHERS: Final[Mapping[str, Callable[[int], date]]] = {
    "DE": lambda year: easter(year) + timedelta(days=39),
    "ES": lambda year: date(year, 3, 19),
    "PT": lambda year: date(year, 3, 19),
    "BR": lambda year: nth_weekday(year, 8, 6, 2),
    "AU": lambda year: nth_weekday(year, 9, 6, 1),
    "AT": lambda year: nth_weekday(year, 6, 6, 2),
}


def holiday(key: str, tense: Tense, country: str, written_on: date) -> date:
    """Return the next such day, or the latest one if the text is about the past.

    Raises ValueError for a holiday whose day in this country is not known here.
    """
    days = [_day_in(key, year, country) for year in range(written_on.year - 1, written_on.year + 2)]
    passed = max(day for day in days if day <= written_on)
    coming = min(day for day in days if day >= written_on)
    if tense == "perhaps_past":
        return passed if written_on - passed < coming - written_on else coming
    has_just_passed = (
        tense == "unknown" and (written_on - passed).days <= _JUST_PASSED_DAYS < (coming - written_on).days
    )
    return passed if tense == "past" or has_just_passed else coming


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """Return the n-th such weekday of a month, or the last one for -1."""
    if nth < 0:
        last = month_end(year, month)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _day_in(key: str, year: int, country: str) -> date:
    if key in _FIXED:
        return date(year, *_FIXED[key])
    if key in _AFTER_EASTER:
        sunday: date = easter(year)
        return sunday + timedelta(days=_AFTER_EASTER[key])
    if key == "thanksgiving" and country == "CA":
        return nth_weekday(year, 10, 0, 2)
    if key == "labor_day" and country not in ("", "US", "CA"):
        raise ValueError("the day of this holiday in this country is not known here")
    if key in _WEEKDAY_OF_MONTH:
        return nth_weekday(year, *_WEEKDAY_OF_MONTH[key])
    if key == "black_friday":
        return nth_weekday(year, 11, 3, 4) + timedelta(days=1)
    if key == "election_day":
        return nth_weekday(year, 11, 0, 1) + timedelta(days=1)
    if key.startswith("advent_"):
        return nth_weekday(year, 12, 6, 1) + timedelta(days=_first_advent_shift(year) + 7 * (int(key[-1]) - 1))
    parents = _MOTHERS if key == "mothers_day" else _FATHERS
    usual = nth_weekday(year, 5, 6, 2) if key == "mothers_day" else nth_weekday(year, 6, 6, 3)
    return parents[country](year) if country in parents else usual


def _first_advent_shift(year: int) -> int:
    """Return the days from the first Sunday of December to the fourth Sunday before Christmas."""
    return -7 if nth_weekday(year, 12, 6, 1).day > 3 else 0


def _french_mothers_day(year: int) -> date:
    """Return the last Sunday of May, or the first of June when that is Pentecost."""
    last = nth_weekday(year, 5, 6, -1)
    return last + timedelta(days=7) if last == easter(year) + timedelta(days=49) else last
