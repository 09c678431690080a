"""Recognises from the words around a name that no person bears it: a street, a song, a dog, a place."""

from typing import Final

from agents.offline.name_lists import name_list
from agents.offline.people_words import ANIMAL_VERBS, PETS, PLACE_AFTER, PLACE_BEFORE, WORKS
from agents.offline.person_text import PersonText
from agents.offline.pets import is_pet
from agents.offline.tokens import Token
from agents.offline.word_sets import word_set


def _by_language(**texts: str) -> dict[str, frozenset[str]]:
    return {language: frozenset(text.split()) for language, text in texts.items()}


_AT_PEOPLE: Final = word_set(
    "yelled yell shouted shout laughed laugh smiled smile looked snapped swore screamed mad angry"
)
_OF_PLACE: Final = word_set("da do de del du des la")
_OF: Final = word_set("by of de von par do da du")
_NAMING: Final = word_set("named called namens heißt s'appelle llama chama")
_AUTHOR_BEFORE: Final = word_set("read reading reread lire relire lis lese lesen leer leyendo ler lendo")
_PLACE_PREPOSITIONS: Final = _by_language(
    en="in at on near into through around via towards outside",
    de="in nach aus",
    fr="en vers",
    es="en hacia",
    pt="em na no",
)
_VERBS: Final = word_set(
    "bill bob buck carol chase chuck drew duke earl frank grant hunter jack jimmy josh lance mark mason nick nip pat"
    " patsy peter pierce piers rob rod rusty skip sue tad trip victor wade ward warren will"
)
_AFTER_VERBS: Final = word_set("up out down off in the a an my this that it them")
_IN: Final = _by_language(en="in near on at", de="in", fr="en", es="en", pt="em")


def may_be_person(reading: PersonText, index: int) -> bool:
    """Return whether nothing around the word makes it a place, a work, a pet or a thing."""
    token, before, after = reading.tokens[index], reading.at(index - 1), reading.at(index + 1)
    if len(token.text) > 1 and token.text.isupper() and not reading.text.isupper():
        return False
    if _is_verb(reading, index) or is_pet(reading, index):
        return False
    if before is not None and token.gap in (" ", ". ", "-") and _excluded_by_word_before(reading, index, before):
        return False
    if after is None or after.gap not in (" ", "-"):
        return True
    if token.is_possessive and after.is_capitalised and after.lower in PLACE_AFTER:
        return False  # "Arthur's Seat"
    is_named_after = after.lower in PLACE_AFTER or after.lower in WORKS or _names_work(reading, index)
    return after.lower not in ANIMAL_VERBS and (token.is_possessive or not is_named_after)


def _excluded_by_word_before(reading: PersonText, index: int, before: Token) -> bool:
    token = reading.tokens[index]
    if before.lower in PLACE_BEFORE or before.lower in PETS or (token.gap == "-" and not token.is_capitalised):
        return True
    is_named = any(earlier.lower in _NAMING for earlier in reading.tokens[max(0, index - 2) : index])
    if is_named and any(earlier.lower in PETS for earlier in reading.tokens[max(0, index - 8) : index]):
        return True
    if before.lower in reading.words.articles and not is_family(reading, index):
        return True
    if before.is_capitalised and _is_after_place_word(reading, index - 1):
        return True
    if before.lower in _PLACE_PREPOSITIONS[reading.language] and _is_place_after_preposition(reading, index):
        return True
    earlier = reading.at(index - 2)
    if before.lower in _OF_PLACE and earlier is not None and earlier.lower in PLACE_BEFORE:
        return True  # "rua da Moeda"
    is_author = before.lower in _OF and earlier is not None and earlier.lower in WORKS
    return before.lower in _AUTHOR_BEFORE or is_author


def _is_verb(reading: PersonText, index: int) -> bool:
    """Return whether a name is a verb in the imperative: "Jack up the car", "Peter out"."""
    token, after = reading.tokens[index], reading.at(index + 1)
    is_led = after is not None and after.gap == " " and after.lower in _AFTER_VERBS
    return token.opens_sentence and is_led and token.lower in _VERBS


def _names_work(reading: PersonText, index: int) -> bool:
    """Return whether the second word after a name is a work: "a Tim McGraw song"."""
    after, later = reading.at(index + 1), reading.at(index + 2)
    if after is None or later is None or later.lower not in WORKS:
        return False
    return after.gap == later.gap == " " and reading.given(after) is None and reading.surname(after) is not None


def is_family(reading: PersonText, index: int) -> bool:
    """Return whether a plural names a family: "the Hendersons"."""
    token, before = reading.tokens[index], reading.tokens[index - 1]
    if before.lower == "les":
        return token.is_capitalised and reading.surname(token) is not None
    is_plural = token.is_capitalised and token.lower.endswith("s") and before.lower == "the"
    surnames = name_list("surnames")
    if name_list("places").certainty(token.lower, reading.language) is not None:
        return False
    return is_plural and surnames.certainty(token.lower[:-1], reading.language) == "sure"


def _is_after_place_word(reading: PersonText, index: int) -> bool:
    before = reading.at(index - 1)
    return before is not None and before.lower in PLACE_BEFORE and reading.tokens[index].gap == " "


def _is_place_after_preposition(reading: PersonText, index: int) -> bool:
    """Return whether "in Katy" means a place, which it does unless Katy owns something there."""
    token, earlier = reading.tokens[index], reading.at(index - 2)
    if earlier is not None and reading.tokens[index - 1].lower == "at" and earlier.lower in _AT_PEOPLE:
        return False  # "I yelled at Theo"
    return not token.is_possessive and reading.tokens[index - 1].lower in _IN[reading.language]


def is_place_like(reading: PersonText, index: int) -> bool:
    token, before = reading.tokens[index], reading.at(index - 1)
    if name_list("places").certainty(token.lower, reading.language) is not None:
        return True
    return (
        before is not None
        and token.gap == " "
        and before.lower in _PLACE_PREPOSITIONS[reading.language]
        and not token.is_possessive
    )
