"""Decides whether a word is the name of a person, by the lists of names and by the words around it."""

from typing import Final

from agents.offline.name_lists import name_list
from agents.offline.not_names import NOTIONS
from agents.offline.person_context import (
    follows_speech,
    has_person_context,
    has_strong_context,
    is_accompanied,
    is_introduced,
    is_subject,
)
from agents.offline.person_exclusions import is_place_like, may_be_person
from agents.offline.person_text import PersonText
from agents.offline.word_sets import word_set

_SHORT_SURNAME: Final = 4
_SHORT_NAME: Final = 3
_BEFORE_PEOPLE: Final = word_set(
    """
    with for to from of by like than mit für von bei an zu beim vom zum avec chez pour de à d' con para pa a com
    pra pro do da el la der die dem o
    """
)
_AND: Final = word_set("and und et y e & n")
_PLACE_LEADS: Final = word_set(
    """
    in at on near from into through around to towards for visit visiting leave leaving via nach aus à a en vers
    pour sur de para em no na pra desde hasta até between and
    """
)


def is_given_name(reading: PersonText, index: int) -> bool:
    token = reading.tokens[index]
    certainty = reading.given(token)
    if certainty is None or not may_be_person(reading, index):
        return False
    if certainty == "sure" and not token.is_capitalised and token.lower.isascii() and len(token.lower) <= _SHORT_NAME:
        return has_person_context(reading, index) or _stands_where_people_stand(reading, index)
    if certainty == "sure":
        is_place = name_list("places").certainty(token.lower, reading.language) is not None
        return not is_place or _is_person_and_place(reading, index)
    shows_case = token.is_capitalised and not token.opens_sentence and reading.language != "de"
    if certainty == "weak":
        return shows_case or has_strong_context(reading, index)
    if reading.language == "de":
        return has_strong_context(reading, index) and not _follows_article(reading, index)
    if shows_case and reading.language != "en":
        return not _follows_article(reading, index) and not is_place_like(reading, index)
    return (
        token.is_capitalised
        and has_person_context(reading, index)
        and (not token.opens_sentence or _is_subject_or_spoken_of(reading, index))
    )


def _is_subject_or_spoken_of(reading: PersonText, index: int) -> bool:
    """Return whether a name that opens a sentence is no notion: "Hope is all I have"."""
    is_notion = reading.tokens[index].lower in NOTIONS
    return has_strong_context(reading, index) if is_notion else is_subject(reading, index)


def _stands_where_people_stand(reading: PersonText, index: int) -> bool:
    """Return whether a short name in lower case stands beside a preposition, an "and" or a possessive."""
    token, before, after = reading.tokens[index], reading.at(index - 1), reading.at(index + 1)
    if token.is_possessive or (token.opens_sentence and after is not None and "," in after.gap):
        return True
    if before is not None and token.gap == " " and before.lower in _BEFORE_PEOPLE | _AND:
        return True
    return after is not None and after.gap == " " and after.lower in _AND


def _is_person_and_place(reading: PersonText, index: int) -> bool:
    """Return whether a name that is also a place is a person's here."""
    token, before = reading.tokens[index], reading.at(index - 1)
    if token.is_possessive or has_person_context(reading, index):
        return True
    leads = before is not None and token.gap == " " and before.lower in _PLACE_LEADS
    return token.is_capitalised and not token.opens_sentence and not leads


def is_name_despite_word(reading: PersonText, index: int) -> bool:
    """Return whether a frequent word is a name here: "ask Will"."""
    token = reading.tokens[index]
    return (
        token.is_capitalised
        and not token.opens_sentence
        and reading.language != "de"
        and has_strong_context(reading, index)
    )


def _follows_person_preposition(reading: PersonText, index: int) -> bool:
    """Return whether an English note in lower case gives or owes something to a surname: "rent check to papadakis"."""
    before, place = reading.at(index - 1), name_list("places").certainty(reading.tokens[index].lower, "en")
    is_led = (
        len(reading.tokens[index].lower) > _SHORT_SURNAME
        and before is not None
        and reading.tokens[index].gap == " "
        and before.lower in ("to", "for", "with", "from")
    )
    return is_led and place is None and reading.language == "en"


def _follows_article(reading: PersonText, index: int) -> bool:
    before = reading.at(index - 1)
    return before is not None and reading.tokens[index].gap == " " and before.lower in reading.words.owners


def is_surname(reading: PersonText, index: int) -> bool:
    token = reading.tokens[index]
    certainty = reading.surname(token)
    if certainty is None or not may_be_person(reading, index) or is_place_like(reading, index):
        return False
    if reading.language == "de" and _follows_article(reading, index):
        return False  # "der Lage": a noun
    shows_case = token.is_capitalised and not token.opens_sentence and reading.language != "de"
    if certainty == "sure" and shows_case:
        return True
    if certainty == "sure":
        return has_person_context(reading, index) or _follows_person_preposition(reading, index)
    if reading.language == "de":
        return token.opens_sentence and is_subject(reading, index) and follows_speech(reading, index)
    return shows_case and has_strong_context(reading, index)


def is_unknown_name(reading: PersonText, index: int) -> bool:
    """Return whether a word of no list is a name, because it is capitalised and only people are spoken of so."""
    token = reading.tokens[index]
    if not token.is_capitalised or reading.language == "de" or not may_be_person(reading, index):
        return False
    if reading.is_word(token.lower) or is_place_like(reading, index):
        return False
    before = reading.at(index - 1)
    if token.opens_sentence or (before is not None and before.lower in ("from", "of")):
        return False
    if reading.language != "en":  # "ligar pra Ultragaz", "a Compesa diz": firms are spoken of as people are
        return is_accompanied(reading, index) or is_introduced(reading, index)
    return has_strong_context(reading, index) or is_accompanied(reading, index)
