"""Decides which goals, constraints and earlier thoughts are about the same subject as a thought, and how.

The thresholds were measured on hand-made pairs, which are half hard cases that share words but no subject
(`tests/agents/offline/*_pairs.txt`; a test measures them again).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agents.offline.similarity import similarities

GOAL_THRESHOLD: Final = 0.86
CONSTRAINT_THRESHOLD: Final = 0.868
EARLIER_THRESHOLD: Final = 0.87

Direction = Literal["towards", "against", "unknown"]

_GIVES_UP: Final = re.compile(
    r"\b(?:not (?:going to|gonna|\w+ing)|no longer|won['\u2019]t|cancel\w*|quit\w*|drop(?:ping|ped)? (?:the|out|my)|"
    r"giv(?:e|ing) up|gave up|stop(?:ping|ped)?|skip\w*|no more|closing|sell(?:ing)?|kündig\w*|nicht mehr|höre auf|"
    r"aufhören|dejo|dejar|ya no|no voy a|j['\u2019]arrête|arrêter|ne .{1,30} (?:pas|plus)|abandon\w*|desist\w*|"
    r"não vou|parei|parar|largar|cancela\w*)\b",
    re.IGNORECASE,
)
"""Wordings that give something up."""

_LESS: Final = re.compile(
    r"\b(?:less|fewer|quit|stop|no more|without|reduce|lose|save|avoid|weniger|aufhören|ohne|sparen|abnehmen|moins|"
    r"arrêter|sans|menos|dejar|sin|ahorrar|parar|sem|emagrecer|economizar|give up)\b",
    re.IGNORECASE,
)
"""Wordings of goals that are served by giving something up, so that a thought that does so may serve them."""


@dataclass(frozen=True, slots=True)
class Match:
    """A text about the same subject as the thought."""

    text: str
    similarity: float

    @property
    def found_by(self) -> str:
        return f"its meaning, {self.similarity:.2f} similar"


def matches(text: str, candidates: Sequence[str], threshold: float) -> list[Match] | None:
    """Return the candidates that reach the threshold, the most similar first; None without an embedding model."""
    values = similarities(text, candidates)
    if values is None:
        return None
    found = [Match(candidate, value) for candidate, value in zip(candidates, values, strict=True) if value >= threshold]
    return sorted(found, key=lambda match: -match.similarity)


def direction(text: str, goal: str, *, plans_something: bool) -> Direction:
    """Return whether a thought acts towards a goal on the same subject, or gives it up.

    A thought acts towards it only when it plans something and gives nothing up.
    """
    if _LESS.search(goal):
        return "unknown"
    if _GIVES_UP.search(text):
        return "against"
    return "towards" if plans_something else "unknown"
