"""Says which day or period a span of a text means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast

from agents.dates.grammar import Grammar
from agents.dates.holidays import holiday
from agents.dates.lexicon import Lexicon, PeriodUnit, Shift
from agents.dates.numeric import iso_day, numeric_day
from agents.dates.resolution import (
    Tense,
    after_months,
    day_of_month,
    latest_weekday,
    month_day,
    month_end,
    next_weekday,
    shifted_weekday,
)
from agents.dates.spans import Span
from agents.dates.tense import tense_around
from agents.dates.zones import country, writes_month_first

_SEASON_ENDS: Final = {"spring": 5, "summer": 8, "autumn": 11, "winter": 2}
"""Season -> its last month, in the northern hemisphere."""


@dataclass(frozen=True)
class Reader:
    """Who reads the dates of a text: its day of writing, its time zone and its grammar."""

    text: str
    """The plain text."""
    written_on: date
    zone: str
    grammar: Grammar | None

    def day(self, span: Span) -> date | None:
        """Return the day that the span means, or the last one of its period; None when the calendar has none."""
        try:
            return self._period_end(span) if span.is_period else self._day(span)
        except (ValueError, OverflowError):
            return None

    def _tense(self, span: Span) -> Tense:
        return tense_around(self.text, span.start, span.end, self.grammar.context) if self.grammar else "unknown"

    def _day(self, span: Span) -> date:
        kind, says = span.form.kind, span.form.says
        if kind == "iso":
            return iso_day(span.match["iso"])
        if kind in ("numeric", "dotted"):
            month_first = writes_month_first(self.zone)
            return numeric_day(span.match, self._tense(span), self.written_on, month_first=month_first)
        if kind == "relative":
            return self.written_on + timedelta(days=cast(int, says))
        if kind == "distance":
            return self.written_on + timedelta(days=cast(int, says) * self._number(span) * self._unit(span))
        if kind == "holiday":
            return holiday(cast(str, says), self._tense(span), country(self.zone), self.written_on)
        if kind == "weekday":
            return self._weekday(span)
        if kind == "month_date":
            return self._month_date(span)
        return self._day_of_month(span)

    def _weekday(self, span: Span) -> date:
        number = self._weekdays[span.match["weekday"]]
        if span.form.says:
            return shifted_weekday(number, cast(Shift, span.form.says), self.written_on)
        find = latest_weekday if self._tense(span) in ("past", "perhaps_past") else next_weekday
        return find(number, self.written_on)

    def _month_date(self, span: Span) -> date:
        if span.value("last_day"):
            return self._end_of_month(self._words.months[span.match["month"]], None)
        day, month = self._day_number(span), self._words.months[span.match["month"]]
        year = span.value("year")
        return date(int(year), month, day) if year else month_day(month, day, self._tense(span), self.written_on)

    def _day_of_month(self, span: Span) -> date:
        name = span.value("weekday")
        month = span.value("month")
        if month:
            return month_day(self._words.months[month], self._day_number(span), self._tense(span), self.written_on)
        weekday = self._weekdays[name] if name else None
        return day_of_month(self._day_number(span), self._tense(span), self.written_on, weekday)

    def _period_end(self, span: Span) -> date:
        month = span.value("month")
        if span.form.kind == "long_distance":
            return self._long_distance(span)
        if month:
            return self._end_of_month(self._words.months[month], span.value("year"))
        unit = self._words.periods.get(span.value("period") or "", "day" if span.form.says == "end" else "week")
        return end_of_period(unit, self.written_on, is_next=span.form.says == "next")

    def _long_distance(self, span: Span) -> date:
        name = span.value("long_unit")
        if name is None:
            return self.written_on + timedelta(days=self._number(span) * self._unit(span))
        unit = self._words.long_units[name]
        if unit in ("minute", "hour"):
            return self.written_on + timedelta(hours=self._number(span) if unit == "hour" else 0)
        return after_months(self._number(span) * (12 if unit == "year" else 1), self.written_on)

    def _end_of_month(self, month: int, year: str | None) -> date:
        if year:
            return month_end(int(year), month)
        return month_end(self.written_on.year + (month < self.written_on.month), month)

    @property
    def _words(self) -> Lexicon:
        if self.grammar is None:
            raise ValueError("a form with words needs a grammar")
        return self.grammar.lexicon

    @property
    def _weekdays(self) -> Mapping[str, int]:
        return {**self._words.weekdays, **self._words.doubtful_weekdays}

    def _number(self, span: Span) -> int:
        word = span.match["number"]
        return int(word) if word.isdigit() else self._words.numbers[word]

    def _unit(self, span: Span) -> int:
        return self._words.units[span.match["unit"]]

    def _day_number(self, span: Span) -> int:
        return 1 if span.value("first_day") else int(span.match["day"])


def end_of_period(unit: PeriodUnit, day: date, *, is_next: bool) -> date:
    """Return the last day of the current period, or of the next one."""
    if unit in ("week", "weekend"):
        return day + timedelta(days=6 - day.weekday() + 7 * is_next)
    if unit in ("month", "quarter", "year"):
        length = {"month": 1, "quarter": 3, "year": 12}[unit]
        months = (day.month - 1) // length * length + length * (1 + is_next) - 1
        return month_end(day.year + months // 12, months % 12 + 1)
    if unit in _SEASON_ENDS:
        month = _SEASON_ENDS[unit]
        return month_end(day.year + (month < day.month), month)
    return day
