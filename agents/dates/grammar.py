"""Compiles the words of a language into the patterns that find days and periods."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, Literal

from agents.dates.languages import LEXICONS
from agents.dates.lexicon import Lexicon

Kind = Literal[
    "relative", "month_date", "weekday_date", "lone_day", "weekday", "distance", "holiday", "iso", "numeric", "dotted",
    "period", "month", "long_distance",
]  # fmt: skip
PERIOD_KINDS: Final[frozenset[Kind]] = frozenset({"period", "month", "long_distance"})

_DAY: Final = r"(?P<day>[0-3]?[0-9])"
_YEAR: Final = r"(?P<year>(?:19|20)[0-9]{2})"
_START: Final = r"(?<![\w@#/.\-\u20ac$\u00a3])(?<!\d[,:])"
_NUMBER_END: Final = r"(?![\w%\u20ac$\u00a3\u00b0])(?![.,:/\-][0-9])"
_NO_NOUN: Final = (
    r"(?!\s(?:be|have|not|need|never|get|go|come|as|well|want|still|also|even|just|take|cause|help|work|find|make|look|mean"
    r"|miles?|km|steps|people|kids|more|times|days?|weeks?|hours?|minutes?|through|up|out|past|over|uhr|euro|euros|mal)\b)"
)
_PLACEHOLDER: Final = re.compile(r"(?<!\?P)<[a-z_]+>")
_NUMERIC: Final = (
    r"(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2})(?![\w-])",
    r"(?P<first>[0-3]?[0-9])/(?P<second>[0-3]?[0-9])(?:/(?P<year>(?:20)?[0-9]{2}))?(?![\w/%])(?![.,:\-][0-9])",
    r"(?P<day>[0-3]?[0-9])\.\s?(?P<month_number>[01]?[0-9])(?:\.(?:\s?(?P<year>20[0-9]{2}|[0-9]{2}))?)?(?![\w%\u20ac])(?![.,:/\-][0-9])",
)


@dataclass(frozen=True)
class Form:
    """A pattern that finds wordings of one kind, and what they say."""

    kind: Kind
    pattern: re.Pattern[str]
    says: int | str = ""
    """A distance in days, the shift of a weekday or of a period, or the key of a holiday."""


@dataclass(frozen=True)
class Context:
    """What stands around a day decides whether one is meant. The fields are those of the lexicon."""

    not_before_distance: re.Pattern[str]
    repeated_before: re.Pattern[str]
    repeated_after: re.Pattern[str]
    between: re.Pattern[str]
    range_link: re.Pattern[str]
    not_before_holiday: re.Pattern[str]
    holiday_end: re.Pattern[str]
    past_lead: re.Pattern[str]
    future_lead: re.Pattern[str]
    perhaps_future_lead: re.Pattern[str]
    future_opening: re.Pattern[str]
    past_verbs: re.Pattern[str]
    other_verbs: re.Pattern[str]


@dataclass(frozen=True)
class Grammar:
    """The patterns of one language, for text in lower case with straight apostrophes."""

    lexicon: Lexicon
    forms: tuple[Form, ...]
    """The first form that finds a wording decides what it means."""
    context: Context
    after_weekday: re.Pattern[str]
    """A weekday and the link of a range, before a day that ends the range: "Monday to "."""


@lru_cache(maxsize=8)
def grammar_of(language: str) -> Grammar:
    """Return the grammar of a language: "en", "de", "fr", "es" or "pt"."""
    words = LEXICONS[language]
    context = Context(**{field.name: re.compile(getattr(words, field.name)) for field in fields(Context)})
    every_weekday = alternatives({**words.weekdays, **words.doubtful_weekdays})
    after_weekday = re.compile(rf"(?<!\w){every_weekday}\.?{words.range_link}$")
    return Grammar(words, (*NUMERIC_FORMS, *_word_forms(words)), context, after_weekday)


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{_START}(?:{pattern})(?!\\w)")


NUMERIC_FORMS: Final = (
    Form("iso", _whole(_NUMERIC[0])),
    Form("numeric", _whole(_NUMERIC[1])),
    Form("dotted", re.compile(_START + _NUMERIC[2])),
)
"""The forms that need no word, so that they are found in a text of any language."""


def _word_forms(words: Lexicon) -> Iterator[Form]:
    """Yield the forms with words, the longer wordings first."""
    fill = _filler(words)
    yield from _forms("weekday_date", (words.ordinal,), lambda form: _weekday_with(words, fill(form)))
    yield from _forms("month_date", words.month_dates, lambda form: _optional_weekday(words, fill(form)) + _NO_NOUN)
    for name, key in words.holidays.items():
        yield Form("holiday", _whole(name), key)
    for wording, shift in words.weekday_shifts:
        yield Form("weekday", _whole(fill(wording) + _part(words)), shift)
    for wording, distance in words.days.items():
        yield Form("relative", _whole(f"(?:{wording}){_part(words)}"), distance)
    for wording, sign in words.distances:
        yield Form("distance", _whole(fill(wording)), sign)
    yield from _forms("lone_day", words.lone_day_leads, fill)
    yield from _forms("lone_day", words.lone_days, lambda form: fill(form) + words.lone_day_end)
    for wording, period_shift in words.period_shifts:
        yield Form("period", _whole(fill(wording)), period_shift)
    yield from _forms("weekday", (_bare_weekday(words),), str)
    yield from _forms("weekday", (_doubtful_weekday(words),), str)
    yield from _forms("long_distance", words.long_distances, fill)
    yield Form("month", _whole(f"{words.in_month}(?P<quote>{fill('<month>')}(?:\\s{_YEAR})?)"))


def _forms(kind: Kind, wordings: Iterable[str], pattern: Callable[[str], str]) -> Iterator[Form]:
    return (Form(kind, _whole(pattern(wording))) for wording in wordings)


def _filler(words: Lexicon) -> Callable[[str], str]:
    """Return a function that replaces the placeholders of a wording by the words of the language."""
    names = {
        "<day>": _DAY,
        "<year>": _YEAR,
        "<month>": _group("month", words.months),
        "<weekday>": _group("weekday", {**words.weekdays, **words.doubtful_weekdays}),
        "<number>": f"(?P<number>[0-9]{{1,2}}|{alternatives(words.numbers)})",
        "<unit>": _group("unit", words.units),
        "<long_unit>": _group("long_unit", words.long_units),
        "<period>": _group("period", words.periods),
    }

    def fill(wording: str) -> str:
        return _PLACEHOLDER.sub(lambda found: names[found[0]], wording)

    return fill


def _part(words: Lexicon) -> str:
    return f"(?:{words.part})?"


def _weekday_with(words: Lexicon, day: str) -> str:
    weekday = _group("weekday", {**words.weekdays, **words.doubtful_weekdays})
    return f"{weekday}\\.?{_part(words)}{words.weekday_link}{day}{_NUMBER_END}"


def _optional_weekday(words: Lexicon, day: str) -> str:
    weekday = _group("weekday", {**words.weekdays, **words.doubtful_weekdays})
    return f"(?:{weekday}\\.?{_part(words)}{words.weekday_link})?{day}{_NUMBER_END}"


def _bare_weekday(words: Lexicon) -> str:
    return f"{_group('weekday', words.weekdays)}{_part(words)}"


def _doubtful_weekday(words: Lexicon) -> str:
    name = alternatives(words.doubtful_weekdays)
    return (
        f"(?:{words.weekday_lead}(?=(?P<quote>{name}{_part(words)}))"
        f"|(?={name}{words.part}))(?P<weekday>{name}){_part(words)}"
    )


def _group(name: str, words: Iterable[str]) -> str:
    return f"(?P<{name}>{alternatives(words)})"


def alternatives(words: Iterable[str]) -> str:
    """Return a group that matches any of the words, the longest first; one that never matches without words."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return f"(?:{'|'.join(longest_first)})" if longest_first else r"(?:(?!))"
