"""Compares the people, places and dates that were found in a note with the labelled ones.

Quotes are compared as written, with their case. A title before a name is ignored on both sides.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from evaluation.roles import DETERMINERS, ROLES, TITLES
from evaluation.statistics import Share

_BEFORE_DATE: Final = re.compile(
    r"^(?:(?:on|by|before|until|till|til|from|since|after|at|am|bis|vor|ab|pour|avant|para|antes|até|the|le|el|o|der|den|dem)\s+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The quotes of one kind in one note. What is neither right nor wrong is in none of the lists."""

    found: Sequence[str]
    """Labelled and found."""
    missed: Sequence[str]
    """Labelled and not found."""
    invented: Sequence[str]
    """Found and not labelled."""


@dataclass(frozen=True, slots=True)
class EntityScore:
    """What was found of one kind in all notes."""

    recall: Share
    precision: Share
    invented: Sequence[str]
    missed: Sequence[str]


@dataclass(frozen=True, slots=True)
class Days:
    """The labelled dates of one note or of all notes by the day that they were resolved to."""

    right: int
    wrong: int
    """Resolved to another day."""
    unresolved: int
    """The date was not found, or has no day."""
    invented: int
    """Resolved although the label has no such date."""


def compare_people(labelled: Iterable[str], found: Iterable[str]) -> Comparison:
    """Compare names. A role, or a kin word that the label does not count as a name, is optional."""
    return _compare(labelled, found, person_name, is_role)


def compare_places(labelled: Iterable[str], found: Iterable[str]) -> Comparison:
    """Compare names of places; an article before one is ignored."""
    return _compare(labelled, found, _without_determiners, lambda _: False)


def person_name(quote: str) -> str:
    """Return the name without the titles and determiners before it: "Dr. Haas" is "Haas", "my mum" is "mum"."""
    words = quote.split()
    while len(words) > 1 and words[0].rstrip(".").lower() in TITLES | DETERMINERS:
        words = words[1:]
    return " ".join(words)


def is_role(quote: str) -> bool:
    """Return whether the quote names people only by a role, such as "my sister" or "the neighbours"."""
    words = [word.rstrip(".").lower() for word in re.sub(r"['\u2019]s\b", "", quote).split()]
    others = [word for word in words if word not in DETERMINERS]
    return bool(others) and all({word, word.removesuffix("s")} & (ROLES | TITLES) for word in others)


def _without_determiners(quote: str) -> str:
    words = quote.split()
    return " ".join(words[1:] if len(words) > 1 and words[0].lower() in DETERMINERS else words)


def _compare(
    labelled: Iterable[str], found: Iterable[str], normalise: Callable[[str], str], is_optional: Callable[[str], bool]
) -> Comparison:
    expected = {normalise(quote): quote for quote in labelled}
    answered = {normalise(quote): quote for quote in found}
    return Comparison(
        found=[quote for key, quote in expected.items() if key in answered],
        missed=[quote for key, quote in expected.items() if key not in answered],
        invented=[quote for key, quote in answered.items() if key not in expected and not is_optional(quote)],
    )


def compare_dates(labelled: Iterable[str], found: Iterable[str]) -> Comparison:
    """Compare expressions of dates. A part of the other one is the same date, because `compare_days` checks its day."""
    expected, answered = list(dict.fromkeys(labelled)), list(dict.fromkeys(found))
    return Comparison(
        found=[quote for quote in expected if any(same_date(quote, other) for other in answered)],
        missed=[quote for quote in expected if not any(same_date(quote, other) for other in answered)],
        invented=[quote for quote in answered if not any(same_date(quote, other) for other in expected)],
    )


def same_date(quote: str, other: str) -> bool:
    """Return whether one expression is contained in the other in whole words, without their prepositions."""
    first, second = (f" {_BEFORE_DATE.sub('', text)} " for text in (quote, other))
    return first in second or second in first


def compare_days(labelled: Sequence[tuple[str, date]], found: Sequence[tuple[str, date]]) -> Days:
    """Compare the days of dates, each with its quote."""
    days = [[day for quote, day in found if same_date(quote, expected)] for expected, _ in labelled]
    right = sum(day in candidates for (_, day), candidates in zip(labelled, days, strict=True))
    resolved = sum(bool(candidates) for candidates in days)
    invented = sum(not any(same_date(quote, expected) for expected, _ in labelled) for quote, _ in found)
    return Days(right=right, wrong=resolved - right, unresolved=len(labelled) - resolved, invented=invented)


def score_entities(comparisons: Sequence[Comparison]) -> EntityScore:
    """Return the recall and precision over all notes."""
    found = sum(len(comparison.found) for comparison in comparisons)
    missed = [quote for comparison in comparisons for quote in comparison.missed]
    invented = [quote for comparison in comparisons for quote in comparison.invented]
    return EntityScore(Share(found, found + len(missed)), Share(found, found + len(invented)), invented, missed)


def sum_days(days: Sequence[Days]) -> Days:
    """Return the days of all notes together."""
    return Days(
        right=sum(day.right for day in days),
        wrong=sum(day.wrong for day in days),
        unresolved=sum(day.unresolved for day in days),
        invented=sum(day.invented for day in days),
    )
