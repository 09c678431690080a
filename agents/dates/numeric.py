"""Decides whether numbers such as "10/31" and "14.3." are days, and not fractions, scores, prices or versions."""

import re
from datetime import date
from typing import Final

from agents.dates.grammar import Grammar
from agents.dates.resolution import Tense, month_day

_LEAD: Final = re.compile(
    r"(?:\b(?:on|by|due|until|till|til|before|b4|from|since|for|date|dated|says|say|vote|expires?|starts?|ends?|closes?|lapsed"
    r"|deadline|is|le|du|au|avant|jusqu'au|depuis|pour|dès|el|hasta|antes\sdel|desde|del|día|dia|para|até|no\sdia|do\sdia"
    r"|am|bis|ab|vom|zum|vor\sdem|seit\sdem|den|der|dem)\s|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s"
    r"|\b(?:mon|tues?|weds?|thu|thurs?|fri|sat|sun),?\s|(?:tag|woch|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes"
    r"|martes|miércoles|miercoles|jueves|viernes|sábado|sabado|domingo|feira|segunda|terça|quarta|quinta|sexta),?\s)$"
)
_NO_DATE_BEFORE: Final = re.compile(
    r"(?:\b(?:tension|tensión|pressão|pression|bp|blood\spressure|blutdruck|version|v|um|score|ratio|aperture|chapter|kapitel"
    r"|section|unit|flat|nr|no|number|won|lost|win|gewonnen|verloren|gagné|ganamos|ganó|room|page|seite|in|about|only|of|f)\s"
    r"|[-+*=])$"
)
_MEASURE_BEFORE: Final = re.compile(
    r"\b(?:ratio|score|odds|pressure|rating|chances?|blutdruck|quote|tension|tensión|pressão|placar|marcador|note|nota)\s"
    r"(?:is|was|are|were|of|ist|war|est|était|es|era|é|foi)\s$"
)
_UNIT_AFTER: Final = re.compile(
    r"\s?(?:cup|cups|inch|in\.|\"|'|tsp|tbsp|oz|lb|lbs|mile|miles|off|of\b|time\b|stars?|mal\b|uhr\b|euro|eur|kg|km|cm|mm"
    r"|hours?|full|done|marks?|short|way|price|chance|split|rating|grad\b|stunden|liter|prozent|per\s?cent|percent)"
)
_FRACTIONS: Final = frozenset({2, 3, 4, 5, 6, 8, 10, 12})


def is_meant(match: re.Match[str], before: str, after: str, grammar: Grammar | None) -> bool:
    """Return whether the numbers are a day of the calendar and stand where a day stands."""
    groups = match.re.groupindex
    if "iso" in groups:
        return _of_iso(match["iso"]) is not None
    if not _can_be_day(match) or _UNIT_AFTER.match(after):
        return False
    if _MEASURE_BEFORE.search(before):
        return False
    if _LEAD.search(before):
        return "first" in groups or _is_german(grammar) or match["year"] is not None
    if _NO_DATE_BEFORE.search(before):
        return False
    if match["year"] is not None:
        return True
    return _is_slashed_day(match) if "first" in groups else _is_dotted_day(match, grammar)


def iso_day(text: str) -> date:
    """Return the day of an ISO date; raises ValueError when the calendar has no such day."""
    return date.fromisoformat(text)


def numeric_day(match: re.Match[str], tense: Tense, written_on: date, *, month_first: bool) -> date:
    """Return the day of "5/4" or "5.4."; raises ValueError when the calendar has no such day.

    Where one order gives no day, the other one is meant: "10/31".
    """
    if "first" not in match.re.groupindex:
        return _in_year(int(match["month_number"]), int(match["day"]), match["year"], tense, written_on)
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if (month_first and first <= 12) or second > 12 else (second, first)
    return _in_year(month, day, match["year"], tense, written_on)


def _in_year(month: int, day: int, year: str | None, tense: Tense, written_on: date) -> date:
    if year is None:
        return month_day(month, day, tense, written_on)
    return date(int(year) + (2000 if len(year) == 2 else 0), month, day)


def _of_iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _can_be_day(match: re.Match[str]) -> bool:
    """Return whether the calendar has the day, in one order at least. Without a year a leap year is assumed."""
    if "first" in match.re.groupindex:
        first, second = int(match["first"]), int(match["second"])
        orders = ((first, second), (second, first))
    else:
        orders = ((int(match["month_number"]), int(match["day"])),) * 2
    return any(_has_day(month, day, match["year"]) for month, day in orders)


def _has_day(month: int, day: int, year: str | None) -> bool:
    try:
        date(2024 if year is None else int(year) + (2000 if len(year) == 2 else 0), month, day)
    except ValueError:
        return False
    return True


def _is_slashed_day(match: re.Match[str]) -> bool:
    """Return whether "5/4" without a word before it is a day: not "24/7", "3/8" or "9/10"."""
    first, second = match["first"], match["second"]
    if (first, second) in (("24", "7"), ("7", "7"), ("9", "11")):
        return False
    if len(first) == 2 and len(second) == 2:
        return True
    if int(first) > 12 or int(second) > 12:
        return int(second) not in (16, 20, 24)
    return not (int(first) <= int(second) and int(second) in _FRACTIONS) and int(first) > 8


def _is_dotted_day(match: re.Match[str], grammar: Grammar | None) -> bool:
    """Return whether "14.3." without a word before it is a day: only German writes a full stop after both numbers."""
    return _is_german(grammar) and match.group().endswith(".")


def _is_german(grammar: Grammar | None) -> bool:
    return grammar is not None and "montag" in grammar.lexicon.weekdays
