"""Holds one text as the finders of people read it: its words, and what the lists say about each."""

from dataclasses import dataclass, replace
from typing import Final

from agents.language import is_known_word
from agents.offline.name_lists import Certainty, name_list, without_accents
from agents.offline.not_names import NOT_NAMES
from agents.offline.people_words import PEOPLE_WORDS, PeopleWords
from agents.offline.tokens import Token, tokenise
from agents.offline.word_sets import word_set

_MIN_LETTERS_BEFORE_GENITIVE: Final = 4
_DIMINUTIVES: Final = {"pt": ("inho", "inha"), "es": ("ito", "ita"), "de": ("chen", "lein")}
_MIN_LETTERS_OF_KIN: Final = 3
_BEFORE_PLURAL: Final = word_set(
    "the other school all some these those two three single both my our die der alle many few of"
)
_AFTER_PLURAL: Final = word_set(
    """
    are were and who at in of with that do have on for or from to who's aren't don't und sind die mit in can will
    should
    """
)
_CONTRACTED: Final = word_set("it that what here there he she who let how when where this everything nobody")


@dataclass(frozen=True)
class PersonText:
    """The words of one text, and the lists of its language."""

    text: str
    language: str
    words: PeopleWords
    tokens: list[Token]

    def at(self, index: int) -> Token | None:
        """Return the word at an index, or None beyond the text."""
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def given(self, token: Token) -> Certainty | None:
        """Return how certainly a word is a given name; both parts of "Mei-Ling" must be one."""
        names = name_list("given_names")
        found = names.certainty(token.lower, self.language)
        if found is None and "-" in token.lower and token.is_capitalised:
            parts = [names.certainty(part, self.language) for part in token.lower.split("-")]
            return "sure" if all(parts) else None
        if found is None and token.is_capitalised and (self.language == "en" or not token.opens_sentence):
            plain = without_accents(token.lower)
            return names.certainty(plain, self.language) if plain != token.lower else self._diminutive(token.lower)
        return found

    def _diminutive(self, name: str) -> Certainty | None:
        """Return how certainly the name that "Bruninho" or "Carmelita" is made from is a given name."""
        ending = next((ending for ending in _DIMINUTIVES.get(self.language, ()) if name.endswith(ending)), None)
        if ending is None:
            return None
        stem, names = name.removesuffix(ending), name_list("given_names")
        return next(
            ("sure" for vowel in ("o", "a", "e", "") if names.certainty(stem + vowel, self.language) == "sure"), None
        )

    def surname(self, token: Token) -> Certainty | None:
        """Return how certainly a word is a surname."""
        return name_list("surnames").certainty(token.lower, self.language)

    def is_listed(self, token: Token) -> bool:
        """Return whether a word is a name, and no frequent word of the language."""
        return self.given(token) in ("sure", "weak") or self.surname(token) in ("sure", "weak")

    def is_word(self, word: str) -> bool:
        """Return whether a word is frequent in the language, or never a name."""
        return is_known_word(word, self.language) or word in NOT_NAMES

    def is_owner(self, token: Token) -> bool:
        """Return whether the word owns what follows, and is no "it's"."""
        return token.is_possessive and token.lower not in _CONTRACTED


def person_text(text: str, language: str) -> PersonText:
    """Read a text in one of the languages of `PEOPLE_WORDS`."""
    words = PEOPLE_WORDS[language]
    tokens = [_without_genitive(token, language) for token in tokenise(text, language)]
    tokens = [_kin_without_genitive(tokens, index, language, words.kin) for index in range(len(tokens))]
    return PersonText(text, language, words, tokens)


def _without_genitive(token: Token, language: str) -> Token:
    """Return the word without the ending of "hallies" or "Tills", if it is a name with one."""
    base = token.lower[:-1]
    if language == "en" and token.text[0].isupper():
        return token
    if (
        token.lower in NOT_NAMES
        or language not in ("en", "de")
        or not token.lower.endswith("s")
        or len(base) < _MIN_LETTERS_BEFORE_GENITIVE
        or token.is_possessive
    ):
        return token
    names = name_list("given_names")
    if names.certainty(token.lower, language) is not None or names.certainty(base, language) != "sure":
        return token
    if name_list("surnames").certainty(token.lower, language) is not None or names.is_plural(base):
        return token
    if is_known_word(token.lower, language) or is_known_word(base, language):
        return token
    return replace(token, text=token.text[:-1], lower=base, end=token.end - 1, is_possessive=True)


def _kin_without_genitive(tokens: list[Token], index: int, language: str, kin: frozenset[str]) -> Token:
    """Return "dads shop" as a possessive, but no plural such as "the other mums"."""
    token, base = tokens[index], tokens[index].lower[:-1]
    if language not in ("en", "de") or not token.lower.endswith("s") or base not in kin or token.is_possessive:
        return token
    if len(base) < _MIN_LETTERS_OF_KIN or token.lower in kin:
        return token
    before = tokens[index - 1].lower if index else ""
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if before in _BEFORE_PLURAL or after is None or after.lower in _AFTER_PLURAL or after.gap != " ":
        return token
    return replace(token, text=token.text[:-1], lower=base, end=token.end - 1, is_possessive=True)
