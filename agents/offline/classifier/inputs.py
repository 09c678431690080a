"""What the heads see of a text besides its vector: about thirty plain signs of its grammar and of its dates.

No sign alone decides anything. Each is a number between 0 and 1, and the training notes say what it is worth.
"""

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from agents.dates import named_dates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(' '.join(words).split())})(?!\w)", re.IGNORECASE)


_SIGNS: Final[Mapping[str, re.Pattern[str]]] = {
    "question mark at the end": re.compile(r"[?\uff1f]\W*$"),
    "question mark": re.compile(r"[?\u00bf\uff1f]"),
    "exclamation mark": re.compile(r"[!\u00a1]"),
    "ellipsis": re.compile(r"\.\.\.|\u2026"),
    "full stop at the end": re.compile(r"\.\s*$"),
    "comma": re.compile(","),
    "colon": re.compile(r":\s"),
    "dash": re.compile(r"\s[-\u2013\u2014]\s"),
    "quotation": re.compile(r"[\"\u201c\u201e\u00ab]"),
    "several lines": re.compile(r"\S\s*\n\s*\S"),
    "several sentences": re.compile(r"[.!?]\s+\S"),
    "digit": re.compile(r"[0-9]"),
    "clock time": re.compile(
        r"(?<![\w.:/])[0-9]{1,2}(?:[:.h][0-9]{2}|\s?(?:am|pm|uhr|h|o'clock))(?!\w)", re.IGNORECASE),
    "amount": re.compile(
        r"[$\u20ac\u00a3%]\s?[0-9]|[0-9]\s?(?:[$\u20ac\u00a3%k]|euros?|quid|bucks|reais|pesos)(?!\w)", re.IGNORECASE),
    "emoji": re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]"),
    "first person": _words(
        "i me my mine we us our i'm i've i'll ich mich mir mein meine wir je j'ai moi mon ma yo me mi eu meu minha"),
    "second person": _words("you your yours du dich dein tu toi ton ta te usted voc\u00ea"),
    "negation": _words(
        "no not never nothing don't doesn't didn't won't can't isn't nicht kein keine nie ne pas jamais nunca nada"
        " n\u00e3o"),
    "question word at the beginning": re.compile(
        r"^\W*(?:who|what|when|where|why|how|which|whose|wer|was|wann|wo|warum|wieso|wie|welche\w*|qui|que|quand"
        r"|o\u00f9|pourquoi|comment"
        r"|qui\u00e9n|qu\u00e9|cu\u00e1ndo|d\u00f3nde|c\u00f3mo|quem|quando|onde|como|por\s?qu\w*)(?!\w)",
        re.IGNORECASE),
    "auxiliary at the beginning": re.compile(
        r"^\W*(?:is|are|do|does|did|can|could|should|shall|would|will|has|have|am|was|were|ist|sind|kann|soll\w*|darf|est-ce|puis-je)\s",
        re.IGNORECASE),
    "past": re.compile(
        r"\w{2,}ed(?!\w)|(?<!\w)(?:was|were|had|went|got|said|told|hat|hatte|war|wurde|est|\u00e9tait|fue|era|foi)(?!\w)",
        re.IGNORECASE),
    "ing form": re.compile(r"\w{2,}ing(?!\w)", re.IGNORECASE),
    "because": _words("because since so but weil denn aber car mais parce porque pero mas"),
}  # fmt: skip

_DAYS: Final = ("within a day", "within two weeks", "later", "past")
_LOG_OF_LONG: Final = math.log(80)

NAMES: Final = ("length", *_SIGNS, *_DAYS)
"""What each number says."""


def encoder_text(text: str) -> str:
    """Return the text as the encoder gets it: in lower case, because capitals must not change what a note means."""
    return text.lower()


def text_inputs(text: str, written_on: date, zone: str = "") -> "NDArray[np.float32]":
    """Return one number for each of NAMES. `written_on` is the day from which dates count, `zone` the author's."""
    import numpy as np

    length = min(1.0, math.log(1 + len(text.split())) / _LOG_OF_LONG)
    signs = [float(pattern.search(text) is not None) for pattern in _SIGNS.values()]
    return np.array([length, *signs, *_date_signs(text, written_on, zone)], np.float32)


def _date_signs(text: str, written_on: date, zone: str) -> list[float]:
    found = named_dates(text, written_on, written_on, zone)
    is_past = any(named.day is not None and named.day < written_on for named in found)
    urgencies = {named.urgency for named in found if named.day is None or named.day >= written_on}
    return [float(urgency in urgencies) for urgency in ("immediate", "soon", "eventually")] + [float(is_past)]
