"""Recognises from the words around a name that a person bears it: "call X", "X says", "X's birthday"."""

from agents.offline.person_context_words import (
    AND,
    CONTACT_OF_PEOPLE,
    CONTACT_VERBS,
    NEEDS_LINK,
    ROLES,
    SELF,
    SPEECH,
    TO,
    WITH,
)
from agents.offline.person_text import PersonText


def has_person_context(reading: PersonText, index: int) -> bool:
    return has_strong_context(reading, index) or is_subject(reading, index)


def has_strong_context(reading: PersonText, index: int) -> bool:
    return (
        _is_contacted(reading, index)
        or is_introduced(reading, index)
        or _owns_what_people_have(reading, index)
        or _stands_beside_writer(reading, index)
        or (is_subject(reading, index) and follows_speech(reading, index))
    )


def is_introduced(reading: PersonText, index: int) -> bool:
    """Return whether a role stands before the name: "her brother Delroy"."""
    token, before = reading.tokens[index], reading.at(index - 1)
    return (
        before is not None
        and not before.is_possessive
        and token.gap == " "
        and token.is_capitalised
        and before.lower in ROLES
    )


def _is_contacted(reading: PersonText, index: int) -> bool:
    token, before, earlier = reading.tokens[index], reading.at(index - 1), reading.at(index - 2)
    if reading.words.contact_after and _verb_follows(reading, index):
        return True
    if before is None or token.gap != " " or reading.language == "de":
        return False
    if reading.language == "en":
        after = reading.at(index + 1)
        is_object = after is None or after.gap != " " or not after.is_capitalised
        if (
            before.lower in reading.words.contact
            and before.lower not in NEEDS_LINK
            and (reading.given(token) or reading.is_listed(token) or before.lower in CONTACT_OF_PEOPLE)
            and not (before.is_capitalised and not before.opens_sentence)
        ):
            return is_object
        links = TO if before.lower == "to" else reading.words.contact
        is_link = before.lower in ("to", "with", "up", "off")
        return is_object and is_link and earlier is not None and earlier.lower in links
    return (
        before.lower in reading.words.contact
        and earlier is not None
        and earlier.lower in CONTACT_VERBS[reading.language]
    )


def is_accompanied(reading: PersonText, index: int) -> bool:
    """Return whether somebody is with a person of this name."""
    before = reading.at(index - 1)
    return before is not None and before.lower in WITH and reading.tokens[index].gap == " "


def _verb_follows(reading: PersonText, index: int) -> bool:
    """Return whether one of the next words is a verb of contact, as German puts it after its object."""
    following = reading.tokens[index + 1 : index + 5]
    for token in following:
        if any(mark in token.gap for mark in ".,;:!?"):
            return False
        if token.lower in reading.words.contact_after:
            return True
    return False


def _owns_what_people_have(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return reading.tokens[index].is_possessive and after is not None and after.lower in reading.words.person_nouns


def _stands_beside_writer(reading: PersonText, index: int) -> bool:
    """Return whether the writer and the name are joined: "Karim and I"."""
    after, later = reading.at(index + 1), reading.at(index + 2)
    before, earlier = reading.at(index - 1), reading.at(index - 2)
    if after is not None and later is not None and after.lower in AND and later.lower in SELF and after.gap == " ":
        return True
    return (
        before is not None
        and earlier is not None
        and before.lower in AND
        and earlier.lower in SELF
        and reading.tokens[index].gap == " "
    )


def is_subject(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return (
        after is not None
        and after.gap in (" ", "")
        and not reading.tokens[index].is_possessive
        and after.lower in reading.words.human
    )


def follows_speech(reading: PersonText, index: int) -> bool:
    after = reading.at(index + 1)
    return after is not None and after.lower in SPEECH[reading.language]
