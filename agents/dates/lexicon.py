"""Defines what the grammar of dates must know about one language.

Texts of the grammar are regular expressions over lower-case text, in which `<weekday>`, `<month>`, `<number>`, `<unit>`
and `<part>` stand for the words of the language, and `<day>` and `<year>` for digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Shift = Literal["this", "next", "coming", "last", "after_next", "week_after", "two_weeks_after"]
"""What a wording around a weekday says: the one of this calendar week, of the next one, the first that comes, the
latest one, that of the week after the next, and seven or fourteen days after the first that comes."""

PeriodUnit = Literal["week", "weekend", "month", "quarter", "year", "spring", "summer", "autumn", "winter", "day"]
PeriodShift = Literal["this", "next", "end"]


@dataclass(frozen=True)
class Lexicon:
    """The words and wordings of one language that name days and periods."""

    weekdays: Mapping[str, int]
    """Word -> 0 for Monday to 6 for Sunday; words with no other common meaning."""
    doubtful_weekdays: Mapping[str, int]
    """Words that are also something else ("sun", "so", "segunda"): they count after `weekday_lead` alone."""
    weekday_lead: str
    """What stands before a doubtful weekday that is meant as one."""
    months: Mapping[str, int]
    doubtful_months: frozenset[str]
    """Months that are also verbs ("may", "march"): beside a number they count only where no noun or verb follows."""
    numbers: Mapping[str, int]
    days: Mapping[str, int]
    """Wording of a day -> its distance from the day of writing; a wording is a regular expression."""
    part: str
    """The part of a day, after the day: " morning"."""
    month_dates: Sequence[str]
    """A day of a month, with `<day>`, `<month>` and `<year>`."""
    weekday_link: str
    """What may stand between a weekday and its date: "Friday the 3rd"."""
    ordinal: str
    """A day of the month after a weekday, with `<day>`."""
    lone_days: Sequence[str]
    """A day of the month alone, with `<day>`. The group `quote` is what is quoted."""
    lone_day_leads: Sequence[str]
    """A day of the month after a preposition, where almost any word may follow."""
    lone_day_end: str
    """What follows a lone day of the month: the end of the clause or a function word, so that no noun does."""
    weekday_shifts: Sequence[tuple[str, Shift]]
    """Wordings around `<weekday>`."""
    distances: Sequence[tuple[str, int]]
    """Wordings with `<number>` and `<unit>`, and the sign of their distance: "in three weeks" 1, "ago" -1."""
    units: Mapping[str, int]
    """Word -> days."""
    not_before_distance: str
    """What before "in three days" shows that a duration is meant."""
    repeated_before: str
    """What before a day shows that every such day is meant, or any one."""
    repeated_after: str
    between: str
    """What before "Monday and Friday" makes them a range."""
    range_link: str
    """What between two days makes them a range."""
    holidays: Mapping[str, str]
    """Wording of a holiday -> its key in `agents.dates.holidays`."""
    not_before_holiday: str
    holiday_end: str
    """What may follow a holiday that is meant as the day and not as the kind of something ("Christmas concert")."""
    past_lead: str
    """What directly before a day makes it a past one ("since")."""
    future_lead: str
    """What directly before a day makes it one to come ("by", "until")."""
    perhaps_future_lead: str
    """What directly before a day makes it rather one to come ("for", "is")."""
    future_opening: str
    """How a sentence begins that asks for something or plans it."""
    past_verbs: str
    other_verbs: str
    """Verbs of the present and of the future, which speak of days to come."""
    periods: Mapping[str, PeriodUnit]
    period_shifts: Sequence[tuple[str, PeriodShift]]
    """Wordings around `<period>`, and around `<month>` for its end."""
    in_month: str
    """What stands before a month that is meant as a period."""
    long_distances: Sequence[str]
    """Wordings with `<number>` and `<long_unit>`: "in two months"."""
    long_units: Mapping[str, Literal["minute", "hour", "month", "year"]]
