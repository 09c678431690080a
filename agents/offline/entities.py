"""Finds the people, dates, places and topics that a thought names, in five languages.

A missed name does less harm than an invented one, which costs the reader's trust: what the words around a name leave
open is left out.
"""

from collections.abc import Iterable

from agents.classification import Entities
from agents.dates import dates
from agents.fields import MAX_LIST_LENGTH, MAX_PHRASE_LENGTH
from agents.language import detect_language
from agents.offline.people import people
from agents.offline.places import places
from agents.offline.topics import topics


def entities(text: str) -> Entities:
    """Return the named entities. Every entry is a substring of the text."""
    language = detect_language(text)
    named_people, named_dates = people(text, language), dates(text)
    named_places = _without(places(text, language), [*named_people, *named_dates])
    subjects = topics(text, language, [*named_people, *named_places, *named_dates])
    return Entities(
        people=_bounded(_without(named_people, named_dates)),
        dates=named_dates,
        places=_bounded(named_places),
        topics=_bounded(subjects),
    )


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Return the names that are no part of another kind of entity."""
    known = [other.lower() for other in others]
    return [name for name in names if not any(name.lower() in other for other in known)]


def _bounded(names: Iterable[str]) -> list[str]:
    return [name for name in names if len(name) <= MAX_PHRASE_LENGTH][:MAX_LIST_LENGTH]
