"""Finds the people whom a thought names.

A listed given name that is no word of the language counts wherever it stands. Every other name counts only where the
words around it show a person, because an invented person costs the reader's trust.
"""

from typing import Final

from agents.offline.famous_names import famous_spans
from agents.offline.kin_and_titles import is_kin, is_kin_title, is_title
from agents.offline.name_evidence import is_given_name, is_name_despite_word, is_surname, is_unknown_name
from agents.offline.name_lists import name_list
from agents.offline.not_names import NOT_NAMES
from agents.offline.people_words import PLACE_AFTER
from agents.offline.person_exclusions import is_family, may_be_person
from agents.offline.person_text import PersonText, person_text
from agents.offline.tokens import Token
from agents.offline.word_sets import word_set

_AND: Final = word_set("and und et y e & n")
_PARTICLES: Final = word_set("da de del della di do dos van von vande al el bin ibn le la du o' mc mac st")


def people(text: str, language: str | None) -> list[str]:
    """Return the names of people as they are written, without titles, in their order and without repetitions."""
    if language is None:
        return []
    first: dict[str, str] = {}
    for start, end in _spans(person_text(text, language)):
        first.setdefault(text[start:end].lower(), text[start:end])
    return list(first.values())


def _spans(reading: PersonText) -> list[tuple[int, int]]:
    """Return where the names stand."""
    found: dict[int, int] = {}
    famous = famous_spans(reading.text)
    index = 0
    while index < len(reading.tokens):
        last = _name_at(reading, index)
        if last is None or _is_famous(reading, index, last, famous):
            index += 1
            continue
        found[index] = last
        index = last + 1
    for index in range(len(reading.tokens)):
        if index not in found and _is_joined_to_person(reading, index, found):
            found[index] = index
    return [(_start(reading, first), reading.tokens[last].end) for first, last in sorted(found.items())]


def _is_famous(reading: PersonText, first: int, last: int, famous: list[tuple[int, int]]) -> bool:
    start, end = reading.tokens[first].start, reading.tokens[last].end
    return any(start < stop and begin < end for begin, stop in famous)


def _start(reading: PersonText, first: int) -> int:
    """Return where the name begins: a title is left out."""
    if not is_title(reading, first):
        return reading.tokens[first].start
    return reading.tokens[first + 2 if is_title(reading, first + 1) else first + 1].start


def _name_at(reading: PersonText, index: int) -> int | None:
    """Return the index of the last word of the name that begins here, or None."""
    token = reading.tokens[index]
    if is_title(reading, index):
        following = index + 2 if is_title(reading, index + 1) else index + 1
        return _extend(reading, following)
    if is_kin_title(reading, index):
        return _extend(reading, index + 1)
    if token.lower in NOT_NAMES or (token.lower in PLACE_AFTER and token.is_capitalised) or len(token.lower) < 2:
        return None
    if (
        reading.is_word(token.lower)
        and token.lower not in reading.words.kin
        and not is_name_despite_word(reading, index)
    ):
        return None
    if is_kin(reading, index) or (reading.at(index - 1) is not None and token.gap == " " and is_family(reading, index)):
        return index
    if is_given_name(reading, index) or is_surname(reading, index) or is_unknown_name(reading, index):
        return _extend(reading, index)
    return None


def _is_joined_to_person(reading: PersonText, index: int, found: dict[int, int]) -> bool:
    """Return whether "and" joins a name to a person that was found."""
    token = reading.tokens[index]
    if (
        not token.is_capitalised
        or reading.language == "de"
        or token.lower in NOT_NAMES
        or not may_be_person(reading, index)
    ):
        return False
    if reading.is_word(token.lower) or name_list("places").certainty(token.lower, reading.language):
        return False
    before, after = reading.at(index - 1), reading.at(index + 1)
    joined_before = before is not None and before.lower in _AND and index - 2 in set(found.values()) | set(found)
    joined_after = after is not None and after.lower in _AND and index + 2 in found
    return (joined_before or joined_after) and not token.opens_sentence


def _extend(reading: PersonText, index: int) -> int:
    """Return the index of the last word of a name: of its surname, or of the second part of its given name."""
    last = index
    while last + 1 < len(reading.tokens) and last - index < 2:
        token, after = reading.tokens[last], reading.tokens[last + 1]
        if token.is_possessive or after.gap != " " or after.lower in NOT_NAMES:
            break
        if not _continues(reading, token, after, last + 1):
            break
        last += 1
    while last > index and reading.tokens[last].lower in _PARTICLES:
        last -= 1
    return last


def _continues(reading: PersonText, token: Token, after: Token, index: int) -> bool:
    surname = reading.surname(after)
    if token.lower in _PARTICLES and index - 1 >= 0 and token.is_adjacent:
        return after.is_capitalised == token.is_capitalised or after.is_capitalised or surname is not None
    if after.lower in _PARTICLES:
        following = reading.at(index + 1)
        known = following is not None and reading.surname(following) == "sure"
        return (
            known
            and following is not None
            and following.gap == " "
            and following.is_capitalised == token.is_capitalised
        )
    if token.is_capitalised and after.is_capitalised:
        known = surname in ("sure", "weak") or reading.given(after) in ("sure", "weak")
        return known or (
            reading.language != "de" and not reading.is_word(after.lower) and after.lower not in PLACE_AFTER
        )
    return (
        not after.is_capitalised and not token.is_capitalised and surname == "sure" and reading.given(token) == "sure"
    )
