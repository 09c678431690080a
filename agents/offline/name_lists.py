"""Reads the lists of given names, surnames and places."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

Certainty = Literal["sure", "weak", "word"]
"""What a listed name is in a text of a language: a name and nothing else, also a rare word, or also a frequent one."""


@dataclass(frozen=True)
class NameList:
    """Names in lower case, each with the languages in which it is also a word."""

    marks: Mapping[str, frozenset[str]]

    def certainty(self, name: str, language: str) -> Certainty | None:
        """Return how certain it is that a word is a name in a text of this language; None when it is not listed."""
        marks = self.marks.get(name)
        if marks is None:
            return None
        if language + "!" in marks:
            return "word"
        return "weak" if language in marks else "sure"

    def is_plural(self, name: str) -> bool:
        """Return whether the name with an s is a word."""
        return "plural" in self.marks.get(name, frozenset())


def without_accents(name: str) -> str:
    """Return the name with plain letters: "Gráinne" is listed as "grainne"."""
    decomposed = unicodedata.normalize("NFD", name)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=3)
def name_list(kind: Literal["given_names", "surnames", "places"]) -> NameList:
    """Return a list; it is read from its file at the first call."""
    text = files("agents.offline").joinpath(f"data/{kind}.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return NameList({name.replace("_", " "): frozenset(marks) for name, *marks in lines})
