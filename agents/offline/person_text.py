"""Holds one text as the finders of people read it: its words, and what the lists say about each."""

from dataclasses import dataclass, replace
from typing import Final

from agents.offline.language import is_known_word
from agents.offline.name_lists import Certainty, name_list
from agents.offline.not_names import NOT_NAMES
from agents.offline.people_words import PEOPLE_WORDS, PeopleWords
from agents.offline.tokens import Token, tokenise

_MIN_LETTERS_BEFORE_GENITIVE: Final = 4
_CONTRACTED: Final = frozenset(
    [
        "it",
        "that",
        "what",
        "here",
        "there",
        "he",
        "she",
        "who",
        "let",
        "how",
        "when",
        "where",
        "this",
        "everything",
        "nobody",
    ]
)


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
        return found

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
    tokens = [_without_genitive(token, language) for token in tokenise(text, language)]
    return PersonText(text, language, PEOPLE_WORDS[language], tokens)


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
