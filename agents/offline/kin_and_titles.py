"""Recognises kin words that are used as names, and titles before names."""

import re
from typing import Final

from agents.offline.not_names import NOT_NAMES
from agents.offline.person_context import has_person_context
from agents.offline.person_text import PersonText
from agents.offline.tokens import Token
from agents.offline.word_sets import word_set

_COLLOQUIAL_ARTICLES: Final = word_set("die der dem den")
_INTIMATE_KIN: Final = word_set("oma opa omi opi mama papa mutti vati")
"""German says "die Oma" of one's own."""
_ABBREVIATIONS: Final = word_set("dr mr mrs ms prof rev sgt capt m mme mlle pr sr sra srta dra hr fr st cllr")
_QUOTES: Final = frozenset('"\u201c\u201d\u00ab\u00bb')
_CONTRACTED: Final = word_set("it that what here there he she who let how when where this everything nobody")
_SURE_TITLES: Final = word_set(
    """
    mr mrs ms mx dr prof frau herr herrn mme mlle madame monsieur m doktor don doña sra sr seu dona
    """
)
_FORMAL_KIN: Final = word_set(
    """
    mother father grandmother grandfather mutter vater großmutter mère père madre padre lola baba anne
    """
)
_DOUBTFUL_KIN: Final = word_set("ma da pops anne baba lola mère père madre padre mutter vater parrain marraine")


def is_title(reading: PersonText, index: int) -> bool:
    token, before, after = reading.tokens[index], reading.at(index - 1), reading.at(index + 1)
    if before is not None and reading.is_owner(before) and token.gap == " ":
        return False
    if after is not None and after.lower in reading.words.titles and is_title(reading, index + 1):
        return after.is_adjacent and token.lower in reading.words.titles
    if after is not None and after.gap.startswith(".") and token.lower not in _ABBREVIATIONS:
        return False
    if token.lower not in reading.words.titles or after is None or not after.is_adjacent or token.is_possessive:
        return False
    if after.lower in NOT_NAMES or after.lower in reading.words.owners or len(after.lower) < 2:
        return False
    if after.is_capitalised:
        return (
            reading.language != "de"
            or token.lower not in ("schwester", "kollegin", "kollege", "meister")
            or reading.is_listed(after)
        )
    return _is_title_of_lower_case(reading, index, after)


def _is_title_of_lower_case(reading: PersonText, index: int, name: Token) -> bool:
    """Return whether a title belongs to a name in lower case: after "my doctor" a verb may follow as well."""
    before, title = reading.at(index - 1), reading.tokens[index].lower
    if reading.is_word(name.lower) or (
        before is not None and before.lower in reading.words.owners and not reading.is_listed(name)
    ):
        return False
    if reading.language == "de" and title == "frau" and re.search(r"ts?$", name.lower) and not reading.is_listed(name):
        return False  # "die frau brauchts": a verb
    return title in _SURE_TITLES or reading.is_listed(name)


def is_kin_title(reading: PersonText, index: int) -> bool:
    token, after = reading.tokens[index], reading.at(index + 1)
    if token.lower not in reading.words.kin_titles or after is None or after.gap != " " or token.is_possessive:
        return False
    if after.is_capitalised and reading.language != "de":
        return token.is_capitalised or not token.opens_sentence or reading.is_listed(after)
    return reading.given(after) == "sure"


def is_kin(reading: PersonText, index: int) -> bool:
    token, before, after = reading.tokens[index], reading.at(index - 1), reading.at(index + 1)
    if token.lower not in reading.words.kin:
        return False
    if token.lower in _FORMAL_KIN and not token.is_capitalised:
        return False
    if before is not None and token.gap == " " and before.lower in reading.words.owners:
        return reading.language == "de" and before.lower in _COLLOQUIAL_ARTICLES and token.lower in _INTIMATE_KIN
    following = reading.text[token.end : token.end + 1]
    if (following and following in _QUOTES) or (token.gap and token.gap[-1] in _QUOTES and token.gap != "'"):
        return False
    if before is not None and reading.is_owner(before) and token.gap == " ":
        return False
    if after is not None and after.gap.startswith(("-", "'")):
        return False
    if token.is_possessive and after is not None and after.lower == "day":
        return False
    if token.lower in _DOUBTFUL_KIN:
        return token.is_possessive or has_person_context(reading, index)
    return not (
        token.gap.endswith("-") or (after is not None and after.lower in ("mia", "christmas", "time", "nature"))
    )
