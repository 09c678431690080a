"""Splits a text into words with their places, as the finders of names need them."""

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019\-][^\W\d_]+)*")
_ELIDED: Final = re.compile(r"(?:[ldjmtsnc]|qu|jusqu|lorsqu|puisqu)['\u2019]", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(
    r"(?:^|[.!?:;\u2026\n\"\u201c\u201e\u00ab(\u2013\u2014*>\u2022]\s*|(?:^|\s)-\s+|['\u2018]\s*)$"
)
_CAPITALISED: Final = re.compile(
    r"(?:(?:Mc|Mac|De|Di|La|Le|O['\u2019]|D['\u2019])?[^\W\d_a-z\u00df-\u00f6\u00f8-\u00ff][a-z\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff]+|[^\W\d_])(?:['\u2019\-][^\W\d_]+)*"
)
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text."""

    text: str
    """As written, without a possessive ending."""
    lower: str
    start: int
    end: int
    is_possessive: bool
    opens_sentence: bool
    """Whether a capital letter says nothing, because every sentence starts with one."""
    gap: str
    """What stands between the word before and this one."""

    @property
    def is_capitalised(self) -> bool:
        return self.text[0].isupper() and _CAPITALISED.fullmatch(self.text) is not None

    @property
    def is_adjacent(self) -> bool:
        """Return whether only a space, or the full stop of an abbreviation, separates it from the word before."""
        return self.gap in (" ", ". ", "\u00a0", ".", "")


def tokenise(text: str, language: str) -> list[Token]:
    """Return the words of the text; in French an elided article counts as a word."""
    tokens: list[Token] = []
    end = 0
    for match in _WORD.finditer(text):
        for start, stop in _parts(match, language):
            word = text[start:stop]
            ending = _POSSESSIVE.search(word) if language in ("en", "de") else None
            base = word[: ending.start()] if ending and ending.start() else word
            gap = text[end:start]
            tokens.append(
                Token(base, base.lower(), start, start + len(base), base != word, _opens(start, gap), gap[-8:])
            )
            end = stop
    return tokens


def _parts(match: re.Match[str], language: str) -> list[tuple[int, int]]:
    start, end = match.span()
    elided = _ELIDED.match(match.group()) if language == "fr" else None
    if elided is None or elided.end() == len(match.group()):
        return [(start, end)]
    return [(start, start + elided.end()), (start + elided.end(), end)]


def _opens(start: int, gap: str) -> bool:
    return start == len(gap) or _SENTENCE_END.search(gap) is not None
