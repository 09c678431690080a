"""Recognises from the words around a name that an animal or a thing bears it."""

import re
from typing import Final

from agents.offline.people_words import PETS
from agents.offline.person_context_words import ROLES
from agents.offline.person_text import PersonText
from agents.offline.word_sets import word_set

_PET: Final = "|".join(PETS)
_BELONGS_TO_PETS: Final = word_set(
    "aquarium cage collar coop fleas flea fur hay hoof hooves hutch kennel kibble leash litter mane muzzle paw paws"
    " saddle stable tail tank terrarium vet whiskers worming wormer leckerli leine napf pfote krallen laisse litière"
    " croquettes correa arenero coleira ração"
)
_SCOLDED: Final = re.compile(
    rf"[^.!?\n]*[,.!]\s(?:bad|good|silly|naughty|stupid|clever|guter|böser)\s(?:{_PET})\b", re.I
)
_NAME_OF_PET: Final = re.compile(
    rf"\s(?:is|was|ist|est|es|é|era)\s"
    rf"(?:the\sname\sof|our|der\sname|notre|le\snom|nuestr[oa]|el\snombre|o\snome)\s(?:\w+\s){{0,2}}(?:{_PET})\b",
    re.I,
)
_THE_PET: Final = re.compile(rf",?\s(?:the|our|my|der|unser|die|unsere|le|notre|el|mi|meu|minha)\s(?:{_PET})\b", re.I)
"""After a name that opens the sentence; elsewhere something is told about the animal: "tell Tom the dog is ill"."""
_NAMED: Final = word_set("named names naming renamed christened nicknamed")
_CALLED: Final = word_set("call calls called calling")
_OWNERS: Final = word_set("his her its their")


def is_pet(reading: PersonText, index: int) -> bool:
    """Return whether a name is that of an animal or a thing: "gary's tank", "Max the dog", "calls his car Boris"."""
    token, after = reading.tokens[index], reading.at(index + 1)
    if token.is_possessive and after is not None and after.gap.endswith(" ") and after.lower in _BELONGS_TO_PETS:
        return True
    rest = reading.text[token.end :]
    if _SCOLDED.match(rest) or _NAME_OF_PET.match(rest) or (token.opens_sentence and _THE_PET.match(rest)):
        return True
    return _is_named_thing(reading, index)


def _is_named_thing(reading: PersonText, index: int) -> bool:
    """Return whether somebody gives the name to a thing: "renamed the wheelchair Bernadette"."""
    thing, owner, verb = (reading.at(index - distance) for distance in (1, 2, 3))
    if thing is None or owner is None or verb is None or thing.is_capitalised or thing.lower in ROLES:
        return False
    if reading.tokens[index].gap != " " or not reading.tokens[index].is_capitalised:
        return False
    has_owner = owner.lower in _OWNERS or owner.lower == "the"
    return has_owner and (verb.lower in _NAMED or (verb.lower in _CALLED and owner.lower in _OWNERS))
