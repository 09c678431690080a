"""Detects in which of five languages a text is written, also when it is short, in lower case or without accents."""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal, get_args

Language = Literal["en", "de", "fr", "es", "pt"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*['\u2019]?")
_MAX_CHARACTERS: Final = 4_000
_MAX_WORDS: Final = 200
_ELISION_WEIGHT: Final = 0.5
_MIN_SHARE: Final = 0.12
"""The lowest share of the words that must speak for the language."""
_LEAD: Final = 1.1
"""The best language must have this many times the evidence of the second one."""

_SHAPES: Final[tuple[tuple[re.Pattern[str], str, float], ...]] = tuple(
    (re.compile(pattern), language, weight)
    for pattern, language, weight in (
        (r"[äöüß]", "de", 0.6), (r"(?:ung|keit|heit|lich|chen|isch|straße)$", "de", 0.6), (r"^ge\w{3,}t$", "de", 0.3),
        (r"sch", "de", 0.3), (r"[èêœùûî]|ç[oau]?$", "fr", 0.5), (r"^(?:l|d|j|qu|n|s|c|m|t)'", "fr", 1.0),
        (r"(?:eux|euse|aient|ement|eau|aux|ette|ième)$", "fr", 0.5), (r"ñ", "es", 1.0),
        (r"(?:ción|iendo|ando|illo|illa|ito|ita|dad)$", "es", 0.5), (r"(?:é|ó|ió|í)$", "es", 0.3),
        (r"[ãõ]", "pt", 1.0), (r"(?:ção|ções|inho|inha|agem|dade|ndo|mente)$", "pt", 0.4), (r"(?:lh|nh)", "pt", 0.3),
        (r"(?:ing|ough|ight|'s|n't|'ll|'ve|tion|ness|ful)$", "en", 0.5), (r"(?:w|wh|th|sh|ck)", "en", 0.15),
    )
)  # fmt: skip
"""What the letters of a word say where the word itself says nothing."""


def detect_language(text: str) -> Language | None:
    """Return the language of a text, or None when its words leave it open or are those of another language."""
    words = [match.group().lower().replace("\u2019", "'") for match in _WORD.finditer(text[:_MAX_CHARACTERS])]
    evidence = _evidence(words[:_MAX_WORDS])
    ranked = sorted(evidence, key=lambda language: (-evidence[language], language))
    if not ranked or evidence[ranked[0]] < _MIN_SHARE * min(len(words), _MAX_WORDS):
        return None
    if len(ranked) > 1 and evidence[ranked[0]] < _LEAD * evidence[ranked[1]]:
        return None
    return next((language for language in LANGUAGES if language == ranked[0]), None)


def is_known_word(word: str, language: str) -> bool:
    """Return whether a word in lower case is a frequent word of the language."""
    return language in _weights().get(word, {})


def _evidence(words: list[str]) -> dict[str, float]:
    """Return how much the words speak for each language; "xx" stands for all languages that are not read."""
    weights = _weights()
    evidence: dict[str, float] = defaultdict(float)
    for word in words:
        known = weights.get(word)
        if known is not None:
            for language, weight in known.items():
                evidence[language] += weight
        elif word.endswith("'"):
            evidence["fr"] += _ELISION_WEIGHT
        else:
            for pattern, language, weight in _SHAPES:
                if pattern.search(word):
                    evidence[language] += weight
    return evidence


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, Mapping[str, float]]:
    """Return for each known word how much it speaks for each of its languages."""
    languages: dict[str, set[str]] = {}
    data = files("agents").joinpath("language_words.txt").read_text(encoding="utf-8")
    for line in data.splitlines():
        language, *words = line.split()
        if language != "#":
            for word in words:
                languages.setdefault(word, set()).add(language)
    return {word: dict.fromkeys(found, _shared(len(found))) for word, found in languages.items()}


def _shared(languages: int) -> float:
    """Return what a word says for each of its languages: one of a single language says more than twice as much."""
    return 1.0 if languages == 1 else 0.8 / languages
