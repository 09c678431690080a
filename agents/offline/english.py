"""Splits English text into the words, sentences and excerpts that the rules need.

These rules read English only. In German, for example, they would mistake "die" for a verb and "Problem" for a cue, so
they assess nothing in a text of another language.
"""

import re
from collections.abc import Iterable, Sequence

from agents.language import detect_language

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?\u2026\n]+[.!?\u2026]*")


def words(text: str) -> list[str]:
    """Return the words in lower case, with straight apostrophes."""
    return [match.group().lower().replace("\u2019", "'") for match in _WORD.finditer(text)]


def is_english(text: str) -> bool:
    """Return whether the text is English, so that the cue words can be trusted."""
    return detect_language(text) == "en"


def sentences(text: str) -> list[str]:
    """Return the sentences with their end marks, without surrounding white space."""
    return [match.group().strip() for match in _SENTENCE.finditer(text) if match.group().strip()]


def alternatives(cues: Iterable[str]) -> str:
    """Return a regular expression group that matches any of the cues, with a straight or a curly apostrophe."""
    longest_first = sorted(cues, key=lambda cue: (-len(cue), cue))
    return f"(?:{'|'.join(re.escape(cue) for cue in longest_first)})".replace("'", "['\u2019]")


def whole_word_pattern(cues: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the cues as whole words, ignoring case."""
    return re.compile(rf"(?<!\w){alternatives(cues)}(?!\w)", re.IGNORECASE)


def distinct(quotes: Iterable[str], limit: int) -> list[str]:
    """Return the first `limit` quotes without duplicates, ignoring case, in their order."""
    first: dict[str, str] = {}
    for quote in quotes:
        first.setdefault(quote.lower(), quote)
    return list(first.values())[:limit]


def excerpt(text: str, limit: int = 100) -> str:
    """Return the beginning of the text's first line, cut at the end of a word and short enough for a template."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    cut = line[:limit]
    return (cut[: cut.rfind(" ")] if " " in cut else cut).rstrip()


def join_quoted(items: Sequence[str]) -> str:
    """Join the items, each in quotation marks, for use in a sentence."""
    return ", ".join(f"\u201c{item}\u201d" for item in items)
