"""Just enough English for the rules: is this English at all, its words, its sentences, its quotes.

The rules read English only. In another language they would take "die" for a verb and "Problem" for a cue, so they
abstain there.
"""

import re
from collections.abc import Iterable, Sequence

from agents.offline.vocabulary import FILLERS, FOREIGN_WORDS, FUNCTION_WORDS, SHARED_WORDS, STARTERS

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?\u2026\n]+[.!?\u2026]*")

_EVIDENCE = (FUNCTION_WORDS | STARTERS) - SHARED_WORDS
_LEAST_SHARE = 0.2
_WORDS_LOOKED_AT = 300


def words(text: str) -> list[str]:
    """The words in lower case, with straight apostrophes."""
    return [match.group().lower().replace("\u2019", "'") for match in _WORD.finditer(text)]


def is_english(text: str) -> bool:
    """Whether enough of the words are everyday English ones to trust the cue words."""
    looked_at = words(text)[:_WORDS_LOOKED_AT]
    known = sum(word in _EVIDENCE for word in looked_at)
    foreign = sum(word in FOREIGN_WORDS for word in looked_at)
    return known > foreign and known >= _LEAST_SHARE * len(looked_at)


def sentences(text: str) -> list[str]:
    """The sentences with their end marks, without blanks around them."""
    return [match.group().strip() for match in _SENTENCE.finditer(text) if match.group().strip()]


def content_words(text: str) -> set[str]:
    """The words that carry meaning: four letters or more and not everyday ones."""
    return {word for word in words(text) if len(word) > 3 and word not in FUNCTION_WORDS and word not in FILLERS}


def one_of(cues: Iterable[str]) -> str:
    """The part of a pattern that stands for any of the cues, whichever apostrophe it is written with."""
    longest_first = sorted(cues, key=lambda cue: (-len(cue), cue))
    return f"(?:{'|'.join(re.escape(cue) for cue in longest_first)})".replace("'", "['\u2019]")


def any_of(cues: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the cues as whole words, whatever the case."""
    return re.compile(rf"(?<!\w){one_of(cues)}(?!\w)", re.IGNORECASE)


def distinct(quotes: Iterable[str], limit: int) -> list[str]:
    """The first quotes in their order, each once whatever its case."""
    first: dict[str, str] = {}
    for found in quotes:
        first.setdefault(found.lower(), found)
    return list(first.values())[:limit]


def quote(text: str, limit: int = 100) -> str:
    """The beginning of the text up to a word's end: a substring of it, in one line, that a template can carry."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    cut = line[:limit]
    return (cut[: cut.rfind(" ")] if " " in cut else cut).rstrip()


def quoted(items: Sequence[str]) -> str:
    """The items in quotation marks, for a sentence."""
    return ", ".join(f"\u201c{item}\u201d" for item in items)
